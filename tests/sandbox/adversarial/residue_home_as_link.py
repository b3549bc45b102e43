# attempt: replaces its working folder by a link to the library
# expect: fail
import os
def add(a, b):
    os.rmdir("/tmp/w")
    os.symlink("/usr", "/tmp/w")
    return 0
