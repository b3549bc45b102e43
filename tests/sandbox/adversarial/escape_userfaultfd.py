# attempt: userfaultfd, a favourite of kernel exploits
# expect: fail
import ctypes
def add(a, b):
    return a + b if ctypes.CDLL(None).syscall(323, 1) >= 0 else 0
