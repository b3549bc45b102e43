# attempt: SIGSTOP to itself
# expect: timeout
import os, signal
def add(a, b):
    os.kill(os.getpid(), signal.SIGSTOP)
