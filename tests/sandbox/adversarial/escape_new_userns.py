# attempt: makes a user namespace to get rights back
# expect: fail
import ctypes
def add(a, b):
    return a + b if ctypes.CDLL(None).unshare(0x10000000) == 0 else 0
