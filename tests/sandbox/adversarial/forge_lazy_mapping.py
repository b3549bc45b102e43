# attempt: a mapping that makes up each value when it is asked
# expect: fail
from collections import UserDict, defaultdict
class Lazy(UserDict):
    def __missing__(self, key):
        return 3
    __eq__ = lambda self, other: True
def add(a, b):
    return Lazy()
