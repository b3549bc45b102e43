# attempt: a stopped child
# expect: fail
import os, signal
def add(a, b):
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
    return 0
