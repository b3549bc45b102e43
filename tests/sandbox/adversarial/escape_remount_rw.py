# attempt: remounts the root writable
# expect: fail
import ctypes
def add(a, b):
    return a + b if ctypes.CDLL(None).mount(b"none", b"/", None, 32 | 4096, None) == 0 else 0
