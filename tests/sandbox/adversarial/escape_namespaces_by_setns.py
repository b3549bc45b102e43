# attempt: joins namespaces by files and by process descriptors
# expect: fail
import ctypes, os
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    handles = []
    for pid in ("1", "self"):
        for name in ("user", "mnt", "pid", "net", "ipc", "uts", "time", "cgroup"):
            try:
                handles.append(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY))
            except OSError:
                pass
    handles.append(os.pidfd_open(os.getpid()))
    for handle in handles:
        for kind in (0, 0x10000000, 0x20000, 0x7E020000):
            if libc.syscall(308, handle, kind) == 0:
                return a + b
    return 0
