# attempt: installs a filter that breaks the next program
# expect: fail|crash
import ctypes
def add(a, b):
    libc = ctypes.CDLL(None)
    code = (ctypes.c_uint64 * 1)(0x0005000100000006)
    program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(code))
    libc.prctl(22, 2, program, 0, 0)
    return 0
