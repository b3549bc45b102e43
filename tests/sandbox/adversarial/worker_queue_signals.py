# attempt: real-time signals with values to process 1
# expect: fail
import ctypes, os
def add(a, b):
    libc = ctypes.CDLL(None)
    for _ in range(2000):
        libc.sigqueue(1, 40, ctypes.c_void_p(1))
    return 0
