# attempt: a message in the owner and the set-group bit of the writable folders
# expect: fail
import os
def add(a, b):
    os.chmod("/tmp", 0o7777)
    os.chmod("/dev/shm", 0o2777)
    return 0
