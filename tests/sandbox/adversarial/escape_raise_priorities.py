# attempt: real-time classes, negative niceness, all processors of the machine
# expect: fail
import os
def add(a, b):
    try:
        os.nice(-5)
        return a + b
    except OSError:
        pass
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        return a + b
    except OSError:
        return 0
