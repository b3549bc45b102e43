# attempt: half a frame, then silence
# expect: timeout
import os, time
def add(a, b):
    for fd in range(3, 12):
        try:
            os.write(fd, b"\x40\x00\x00\x00[")
        except OSError:
            pass
    time.sleep(1000)
