# attempt: dumps core into every folder
# expect: fail|crash
import ctypes, os, resource
def add(a, b):
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (1 << 30, 1 << 30))
    except (OSError, ValueError):
        pass
    os.chdir("/tmp")
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    os.abort()
