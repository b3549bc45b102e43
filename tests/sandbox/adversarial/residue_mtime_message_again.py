# attempt: reads the time stamp that the program before left
# expect: fail
import os
def add(a, b):
    return a + b if os.stat("/dev/shm").st_mtime == 12345 or os.stat("/tmp").st_mtime == 12345 else 0
