# attempt: a POSIX message queue
# expect: fail
import ctypes
def add(a, b):
    return a + b if ctypes.CDLL(None).syscall(240, b"/q", 0o102, 0o600, None) >= 0 else 0
