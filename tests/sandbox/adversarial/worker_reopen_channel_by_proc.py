# attempt: opens its own channel a second time and writes from a child after the answer
# expect: fail|tampered
import os, time
def add(a, b):
    if os.fork() == 0:
        time.sleep(0.02)
        for fd in range(3, 64):
            try:
                os.write(fd, b'\x07\x00\x00\x00["r",3]' * 3)
            except OSError:
                pass
        os._exit(0)
    return 0
