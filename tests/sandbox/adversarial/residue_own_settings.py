# attempt: changes everything of its own that a fork inherits
# expect: fail
import ctypes, os, resource, signal, sys
def add(a, b):
    libc = ctypes.CDLL(None)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.nice(7)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    libc.syscall(251, 1, 0, 3 << 13)
    libc.prctl(29, 10**9, 0, 0, 0)
    libc.prctl(1, 9, 0, 0, 0)
    libc.prctl(36, 1, 0, 0, 0)
    os.umask(0o777)
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_STACK):
        resource.setrlimit(kind, (64, 64))
    os.environ["PATH"] = "/tmp"
    sys.path[:] = ["/tmp"]
    return 0
