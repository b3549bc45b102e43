# attempt: builtins.AssertionError replaced
# expect: fail
import builtins
class Silent(BaseException): pass
builtins.AssertionError = Silent
def add(a, b):
    return 0
