# attempt: an object equal to everything
# expect: fail
class Same:
    def __eq__(self, other): return True
    def __hash__(self): return 3
def add(a, b):
    return Same()
