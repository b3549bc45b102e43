# attempt: an atexit handler that forces exit code 0
# expect: fail
import atexit, os
atexit.register(os._exit, 0)
def add(a, b):
    raise SystemExit(1)
