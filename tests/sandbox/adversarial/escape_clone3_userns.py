# attempt: the same through clone3()
# expect: fail
import ctypes, os
def add(a, b):
    args = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)
    pid = ctypes.CDLL(None).syscall(435, args, 88)
    if pid == 0:
        os._exit(0)
    return a + b if pid > 0 else 0
