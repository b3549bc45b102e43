# attempt: walks to the host through /proc/1/root
# expect: fail
import os
def add(a, b):
    os.listdir("/proc/1/root")
    return a + b
