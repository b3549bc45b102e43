# attempt: takes descriptors and processor time away from process 1
# expect: fail
import ctypes
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    limit = (ctypes.c_ulong * 2)(0, 0)
    done = [libc.prlimit(1, kind, limit, None) for kind in range(16)]
    return a + b if 0 in done else 0
