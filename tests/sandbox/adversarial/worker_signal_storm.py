# attempt: timers and signals at the highest rate
# expect: fail|timeout
import signal
signal.signal(signal.SIGALRM, lambda *a: None)
signal.setitimer(signal.ITIMER_REAL, 1e-5, 1e-5)
def add(a, b):
    for _ in range(100000):
        pass
    return 0
