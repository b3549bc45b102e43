# attempt: answers that nobody asked for, without end
# expect: fail|tampered|timeout|oom
import os
def add(a, b):
    while True:
        for fd in range(3, 12):
            try:
                os.write(fd, b'\x07\x00\x00\x00["r",0]' * 1000)
            except OSError:
                pass
