# attempt: makes and opens a device node
# expect: fail
import os
def add(a, b):
    os.mknod("disk", 0o60600, os.makedev(8, 0))
    open("disk", "rb").read(1)
    return a + b
