# attempt: dumps traces into every descriptor
# expect: fail|tampered
import faulthandler, os
def add(a, b):
    for fd in range(3, 64):
        try:
            os.fstat(fd)
            faulthandler.dump_traceback(fd)
        except (OSError, ValueError):
            pass
    return 0
