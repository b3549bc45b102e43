# attempt: System V shared memory that outlives its maker
# expect: fail
import ctypes
def add(a, b):
    return a + b if ctypes.CDLL(None).shmget(1234, 4096, 0o1666) >= 0 else 0
