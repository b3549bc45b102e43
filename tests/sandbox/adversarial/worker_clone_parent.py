# attempt: children that are made children of process 1
# expect: fail
import ctypes, os
def add(a, b):
    libc = ctypes.CDLL(None)
    for _ in range(10):
        if libc.syscall(56, 0x8000 | 17, 0, 0, 0, 0) == 0:
            os._exit(0)
    return 0
