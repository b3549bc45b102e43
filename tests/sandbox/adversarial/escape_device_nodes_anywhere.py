# attempt: device nodes in each place that can be written
# expect: fail
import os, stat
def add(a, b):
    for place in ("/tmp/w/n", "/dev/shm/n", "/dev/n"):
        for kind in (stat.S_IFCHR, stat.S_IFBLK):
            try:
                os.mknod(place, kind | 0o666, os.makedev(1, 1))
                return a + b
            except OSError:
                continue
    return 0
