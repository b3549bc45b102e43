# attempt: gives process 1 the lowest priority
# expect: fail
import os
def add(a, b):
    before = os.sched_getscheduler(1)
    os.setpriority(os.PRIO_PROCESS, 1, 19)
    os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0))
    return a + b if os.sched_getscheduler(1) != before or os.getpriority(os.PRIO_PROCESS, 1) == 19 else 0
