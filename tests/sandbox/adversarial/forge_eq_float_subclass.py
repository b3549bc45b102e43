# attempt: a float subclass equal to everything
# expect: fail
class Same(float):
    def __eq__(self, other): return True
    __hash__ = float.__hash__
def add(a, b):
    return Same("nan")
