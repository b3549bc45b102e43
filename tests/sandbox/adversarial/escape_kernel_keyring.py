# attempt: leaves a key in the kernel keyring
# expect: fail
import ctypes
def add(a, b):
    return a + b if ctypes.CDLL(None).syscall(248, b"user", b"x", b"y", 1, -3) > 0 else 0
