# attempt: builtins.exec and compile replaced
# expect: fail
import builtins
builtins.exec = lambda *a, **k: None
builtins.compile = lambda *a, **k: None
def add(a, b):
    return 0
