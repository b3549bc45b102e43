# attempt: joins the group and session of process 1 and signals it
# expect: fail
import os, signal
def add(a, b):
    for step in (lambda: os.setpgid(0, 1), lambda: os.setpgid(1, os.getpid()), lambda: os.killpg(1, 9)):
        try:
            step()
        except OSError:
            pass
    return 0
