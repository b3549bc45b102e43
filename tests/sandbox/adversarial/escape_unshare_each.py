# attempt: unshare of each namespace, and clone with each flag
# expect: fail
import ctypes, os
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000, 0x4000000, 0x2000000, 0x80):
        if libc.unshare(flag) == 0:
            return a + b
        pid = libc.syscall(56, flag | 17, 0, 0, 0, 0)
        if pid == 0:
            os._exit(0)
        if pid > 0:
            os.waitpid(pid, 0)
            if flag != 0x80:
                return a + b
    return 0
