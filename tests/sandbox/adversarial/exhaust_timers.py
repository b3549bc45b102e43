# attempt: as many timers as the kernel gives, all ringing
# expect: fail|timeout|crash
import ctypes, signal
def add(a, b):
    libc = ctypes.CDLL(None)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    made = ctypes.c_int()
    spec = (ctypes.c_long * 4)(0, 1_000_000, 0, 1_000_000)
    for _ in range(100_000):
        if libc.syscall(222, 1, None, ctypes.byref(made)) != 0:
            break
        libc.syscall(223, made, 0, spec, None)
    return 0
