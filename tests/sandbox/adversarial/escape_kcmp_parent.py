# attempt: compares kernel objects with process 1
# expect: fail
import ctypes, os
def add(a, b):
    return a + b if ctypes.CDLL(None).syscall(312, os.getpid(), 1, 0, 3, 3) >= 0 else 0
