# attempt: a dict subclass that shows other items when it is walked
# expect: fail
class Odd(dict):
    __iter__ = items = keys = values = lambda self: iter([3])
    __len__ = lambda self: 1
    __eq__ = lambda self, other: True
def add(a, b):
    return Odd()
