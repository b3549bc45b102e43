# attempt: text in place of a number
# expect: fail
class Odd(str):
    __eq__ = lambda self, other: True
    __int__ = lambda self: 3
def add(a, b):
    return Odd("3")
