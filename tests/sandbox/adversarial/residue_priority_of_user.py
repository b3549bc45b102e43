# attempt: the lowest priority for all processes of its user, process 1 and so every later program among them
# expect: fail
import os
def add(a, b):
    os.setpriority(os.PRIO_USER, 0, os.getpriority(os.PRIO_PROCESS, 0) + 1)
    return a + b if os.getpriority(os.PRIO_PROCESS, 1) != BEFORE else 0
BEFORE = os.getpriority(os.PRIO_PROCESS, 1)
