# attempt: chroot and climb out
# expect: fail
import os
def add(a, b):
    os.mkdir("j")
    os.chroot("j")
    return a + b
