# attempt: a float subclass whose text is the right answer
# expect: fail
class Odd(float):
    __repr__ = __str__ = lambda self: "3.0"
    __float__ = lambda self: 3.0
    __eq__ = lambda self, other: True
def add(a, b):
    return Odd(99)
