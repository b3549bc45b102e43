# attempt: process_vm_readv on process 1
# expect: fail
import ctypes
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(8)
    vec = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    return a + b if libc.syscall(310, 1, vec, 1, vec, 1, 0) >= 0 else 0
