# attempt: PTRACE_SEIZE, PTRACE_ATTACH and PTRACE_TRACEME games
# expect: fail
import ctypes, os
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    for request in (0x4206, 16):
        for pid in (1, os.getpid(), os.getppid()):
            if libc.ptrace(request, pid, 0, 0) == 0:
                return a + b
    return 0
