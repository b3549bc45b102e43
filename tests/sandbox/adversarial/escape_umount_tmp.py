# attempt: unmounts its own /tmp
# expect: fail
import ctypes
def add(a, b):
    return a + b if ctypes.CDLL(None).umount2(b"/tmp", 2) == 0 else 0
