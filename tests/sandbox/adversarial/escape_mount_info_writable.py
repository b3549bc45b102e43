# attempt: looks for a mount outside /tmp and /dev/shm that can be written
# expect: fail
import os
def add(a, b):
    for line in open("/proc/self/mountinfo"):
        place = line.split()[4].encode().decode("unicode_escape")
        if place in ("/tmp", "/dev/shm", "/proc") or place.startswith("/dev/"):
            continue
        try:
            with open(os.path.join(place, ".probe"), "w"):
                return a + b
        except OSError:
            continue
    return 0
