# attempt: a socket of any family but the local one
# expect: fail
import ctypes
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    for family in [*range(2, 50), 0, 0x100000001, 0x100000002]:
        for kind in (1, 2, 3, 5, 10):
            if libc.syscall(41, ctypes.c_long(family), kind, 0) >= 0 and family & 0xFFFFFFFF != 1:
                return a + b
    return 0
