# attempt: replaces its working folder by a file
# expect: fail
import os
def add(a, b):
    os.rmdir("/tmp/w")
    open("/tmp/w", "w").close()
    return 0
