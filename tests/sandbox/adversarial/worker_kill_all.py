# attempt: SIGKILL to everybody
# expect: fail|crash
import os
def add(a, b):
    if os.getppid() > 1:
        raise SystemError("not in a namespace of its own")
    os.kill(-1, 9)
    return 0
