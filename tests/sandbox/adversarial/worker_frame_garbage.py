# attempt: sends a frame that is no JSON
# expect: tampered
import os
def add(a, b):
    for fd in range(3, 12):
        try:
            os.write(fd, b"\x04\x00\x00\x00\x80\x81{{")
        except OSError:
            pass
    return 0
