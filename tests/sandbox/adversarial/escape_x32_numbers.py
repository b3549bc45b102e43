# attempt: system calls by their x32 numbers
# expect: fail
import ctypes
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    for number in (521, 524, 538, 539, 540, 545, 41, 101, 165, 272):
        if libc.syscall(ctypes.c_long(0x40000000 | number), 1, 0, 0, 0, 0, 0) >= 0:
            return a + b
    return 0
