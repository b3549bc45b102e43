# attempt: signals process 1 through a descriptor of it
# expect: fail
import os, signal
def add(a, b):
    handle = os.pidfd_open(1)
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    return 0
