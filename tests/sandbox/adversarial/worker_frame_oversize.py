# attempt: announces a frame of 4 GB
# expect: tampered
import os
def add(a, b):
    for fd in range(3, 12):
        try:
            os.write(fd, b"\xff\xff\xff\xff")
        except OSError:
            pass
    return 0
