# attempt: takes a descriptor of process 1
# expect: fail
import ctypes, os
def add(a, b):
    libc = ctypes.CDLL(None)
    fd = os.pidfd_open(1)
    for number in range(3, 10):
        if libc.syscall(438, fd, number, 0) >= 0:
            return a + b
    return 0
