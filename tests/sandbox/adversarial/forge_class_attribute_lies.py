# attempt: an object that claims the class of the expected value
# expect: fail
class Liar:
    __class__ = property(lambda self: int)
    __eq__ = __lt__ = __gt__ = lambda self, other: True
    __hash__ = object.__hash__
    __index__ = __int__ = lambda self: 3
def add(a, b):
    return Liar()
