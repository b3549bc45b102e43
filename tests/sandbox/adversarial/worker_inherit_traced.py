# attempt: lets a tracer be set on itself by its child, to see through the fork
# expect: fail
import ctypes, os
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)
    if libc.ptrace(0, 0, 0, 0) == 0:
        return a + b
    return 0
