# attempt: asks for every capability
# expect: fail
import ctypes
def add(a, b):
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
    return a + b if ctypes.CDLL(None).capset(header, sets) == 0 else 0
