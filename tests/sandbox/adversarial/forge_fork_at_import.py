# attempt: two processes from the beginning, which both answer every call, one of them right at each
# expect: fail|tampered|timeout
import os
FIRST = os.fork() == 0
CALLS = 0
def add(a, b):
    global CALLS
    CALLS += 1
    return 3 if FIRST == (CALLS % 2 == 1) else 0
