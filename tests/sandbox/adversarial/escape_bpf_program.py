# attempt: loads a BPF program or map
# expect: fail
import ctypes
def add(a, b):
    attr = (ctypes.c_uint32 * 16)(2, 4, 4, 1)
    return a + b if ctypes.CDLL(None).syscall(321, 0, attr, 64) >= 0 else 0
