# attempt: io_uring, which does not pass the filter call by call
# expect: fail
import ctypes
def add(a, b):
    params = (ctypes.c_uint32 * 30)()
    return a + b if ctypes.CDLL(None).syscall(425, 4, params) >= 0 else 0
