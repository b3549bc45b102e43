# attempt: a list subclass equal to everything
# expect: fail
class Same(list):
    def __eq__(self, other): return True
def add(a, b):
    return Same()
