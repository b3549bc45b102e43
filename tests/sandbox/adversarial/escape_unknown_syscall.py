# attempt: calls numbers that no table knows
# expect: fail
import ctypes
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    for number in (470, 500, 548, 0x40000000 + 39, 340, 400):
        if libc.syscall(ctypes.c_long(number), 0, 0, 0) >= 0:
            return a + b
    return 0
