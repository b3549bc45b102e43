# attempt: SIGKILL to process 1
# expect: fail
import os
def add(a, b):
    os.kill(os.getppid(), 9)
    return 0
