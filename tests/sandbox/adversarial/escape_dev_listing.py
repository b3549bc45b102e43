# attempt: finds devices other than the harmless ones
# expect: fail
import os
def add(a, b):
    return a + b if set(os.listdir("/dev")) - set("null zero full random urandom fd stdin stdout stderr shm".split()) else 0
