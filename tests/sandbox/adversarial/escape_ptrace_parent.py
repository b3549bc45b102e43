# attempt: attaches to process 1
# expect: fail
import ctypes
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    return a + b if libc.ptrace(16, 1, 0, 0) == 0 else 0
