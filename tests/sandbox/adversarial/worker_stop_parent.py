# attempt: stops process 1 by every signal that stops
# expect: fail
import os, signal
def add(a, b):
    for number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGHUP, signal.SIGPIPE):
        try:
            os.kill(1, number)
            os.kill(-1, signal.SIGCONT)
        except OSError:
            pass
    return 0
