# attempt: adopts orphans so that nobody else can
# expect: fail
import ctypes, os, time
def add(a, b):
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(0)
    return 0
