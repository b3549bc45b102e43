# attempt: a str subclass equal to everything
# expect: fail
class Same(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
def add(a, b):
    return Same("x")
