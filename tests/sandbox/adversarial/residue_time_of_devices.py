# attempt: a message in the time stamp of a device that all workers see
# expect: fail
import os
def add(a, b):
    for name in ("null", "zero", "full", "random", "urandom"):
        try:
            os.utime(f"/dev/{name}")
            return a + b
        except OSError:
            pass
    return 0
