# attempt: changes its arguments so that a comparison becomes trivial
# expect: fail
class Same(int):
    __eq__ = lambda self, other: True
    __hash__ = int.__hash__
def add(a, b):
    a = Same(0)
    return b
