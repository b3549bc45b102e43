# attempt: perf_event_open
# expect: fail
import ctypes
def add(a, b):
    attr = (ctypes.c_uint32 * 32)(1, 128)
    return a + b if ctypes.CDLL(None).syscall(298, attr, 0, -1, -1, 0) >= 0 else 0
