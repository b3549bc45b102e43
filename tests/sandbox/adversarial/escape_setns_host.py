# attempt: joins the namespaces of process 1
# expect: fail
import ctypes, os
def add(a, b):
    fd = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    return a + b if ctypes.CDLL(None).setns(fd, 0) == 0 else 0
