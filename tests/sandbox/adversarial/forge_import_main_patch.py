# attempt: reaches into __main__ to change the harness
# expect: fail
import sys
main = sys.modules.get("__main__")
for name in list(vars(main) if main else ()):
    if callable(getattr(main, name)):
        setattr(main, name, lambda *a, **k: True)
def add(a, b):
    return 0
