# attempt: removes its working folder
# expect: fail
import os
def add(a, b):
    os.chdir("/")
    os.rmdir("/tmp/w")
    return 0
