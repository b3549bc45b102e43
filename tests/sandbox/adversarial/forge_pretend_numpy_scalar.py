# attempt: a class that claims to come from numpy, with an item that equals everything
# expect: fail
class Same(int):
    __eq__ = lambda self, other: True
    __hash__ = int.__hash__
Fake = type("int64", (), {"__module__": "numpy", "shape": (), "item": lambda self: Same(7)})
def add(a, b):
    return Fake()
