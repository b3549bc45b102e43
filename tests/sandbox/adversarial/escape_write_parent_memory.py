# attempt: process_vm_writev and /proc/1/mem for writing
# expect: fail
import ctypes
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(8)
    class Vec(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
    ours = Vec(ctypes.addressof(buffer), 8)
    theirs = Vec(id(add), 8)
    if libc.process_vm_writev(1, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0) == 8:
        return a + b
    try:
        open("/proc/1/mem", "r+b").write(b"x")
        return a + b
    except OSError:
        return 0
