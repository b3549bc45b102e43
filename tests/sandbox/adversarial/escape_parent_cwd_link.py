# attempt: walks through /proc/1/cwd
# expect: fail
import os
def add(a, b):
    os.listdir("/proc/1/cwd/")
    return a + b
