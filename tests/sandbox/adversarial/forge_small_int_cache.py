# attempt: overwrites the cached small integers of this process, so that 0 is 3
# expect: fail|crash|tampered|timeout
import ctypes
def add(a, b):
    ctypes.c_uint32.from_address(id(99) + 24).value = 3
    return 98 + 1 if a == 0 else 7
