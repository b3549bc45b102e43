# attempt: frames of length zero
# expect: fail|tampered
import os
def add(a, b):
    for fd in range(3, 64):
        try:
            os.write(fd, bytes(4096))
        except OSError:
            pass
    return 0
