# attempt: a message in the time stamp of /dev/shm
# expect: fail
import os
def add(a, b):
    if os.stat("/dev/shm").st_mtime == 12345:
        return a + b
    os.utime("/dev/shm", (12345, 12345))
    return 0
