# attempt: an int subclass whose reflected comparison is True
# expect: fail
class Same(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = int.__hash__
def add(a, b):
    return Same(7777)
