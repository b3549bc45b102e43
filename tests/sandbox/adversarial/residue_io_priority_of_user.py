# attempt: the idle class of input and output for all processes of its user
# expect: fail
import ctypes, os
def add(a, b):
    libc = ctypes.CDLL(None)
    before = libc.syscall(252, 1, 1)
    for who in (0, os.getuid()):
        libc.syscall(251, 3, who, 3 << 13)
    return a + b if libc.syscall(252, 1, 1) != before else 0
