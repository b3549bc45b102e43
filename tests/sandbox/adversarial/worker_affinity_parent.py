# attempt: pins process 1 to one processor
# expect: fail
import os
def add(a, b):
    os.sched_setaffinity(1, {0})
    return a + b
