# attempt: the same through clone()
# expect: fail
import ctypes, os
def add(a, b):
    pid = ctypes.CDLL(None).syscall(56, 0x10000000 | 17, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    return a + b if pid > 0 else 0
