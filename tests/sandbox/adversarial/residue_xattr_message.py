# attempt: a message in an extended attribute of /tmp
# expect: fail
import os
def add(a, b):
    os.setxattr("/tmp", "user.note", b"hello")
    return a + b
