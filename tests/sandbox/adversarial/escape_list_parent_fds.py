# attempt: lists the descriptors of process 1
# expect: fail
import os
def add(a, b):
    os.listdir("/proc/1/fd")
    return a + b
