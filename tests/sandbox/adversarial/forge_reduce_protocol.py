# attempt: an object that would run code when it is unpickled
# expect: fail
class Bomb:
    def __reduce__(self):
        return (eval, ("3",))
    __reduce_ex__ = lambda self, protocol: (eval, ("3",))
    __getstate__ = lambda self: 3
    __json__ = lambda self: 3
def add(a, b):
    return Bomb()
