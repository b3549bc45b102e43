# attempt: a class object whose metaclass is equal to everything
# expect: fail
class Meta(type):
    def __eq__(cls, other): return True
    __hash__ = type.__hash__
class Same(metaclass=Meta): pass
def add(a, b):
    return Same
