# attempt: finds settings that the program before left
# expect: fail
import ctypes, os, resource, signal, sys
def add(a, b):
    libc = ctypes.CDLL(None)
    odd = [
        len(os.sched_getaffinity(0)) == 1 < os.cpu_count(),
        os.sched_getscheduler(0) != os.SCHED_OTHER,
        libc.syscall(252, 1, 0) >> 13 == 3,
        libc.prctl(30, 0, 0, 0, 0) == 10**9,
        os.umask(0) != 0o022,
        signal.getsignal(signal.SIGTERM) != signal.SIG_DFL,
        signal.pthread_sigmask(signal.SIG_BLOCK, []) != set(),
        resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 256,
        os.environ["PATH"] == "/tmp",
        sys.path == ["/tmp"],
        os.getppid() != 1,
    ]
    return a + b if any(odd) else 0
