# attempt: switches address randomisation off
# expect: fail
import ctypes
def add(a, b):
    return a + b if ctypes.CDLL(None).personality(0x0040000) >= 0 else 0
