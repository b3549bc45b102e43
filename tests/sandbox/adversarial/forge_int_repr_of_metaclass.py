# attempt: an int whose conversions lie
# expect: fail
class Odd(int):
    __repr__ = __str__ = __format__ = lambda self, *rest: "3"
    __index__ = __int__ = lambda self: 3
    __lt__ = __gt__ = lambda self, other: True
def add(a, b):
    return Odd(99)
