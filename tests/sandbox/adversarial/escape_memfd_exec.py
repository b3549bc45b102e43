# attempt: memfd_create and execveat of what it holds
# expect: fail
import ctypes
def add(a, b):
    libc = ctypes.CDLL(None)
    fd = libc.syscall(319, b"x", 0)
    if fd >= 0 and libc.syscall(322, fd, b"", None, None, 0x1000) == 0:
        return a + b
    return a + b if fd >= 0 else 0
