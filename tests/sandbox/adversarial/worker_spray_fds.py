# attempt: writes passing records to every descriptor
# expect: fail|tampered
import os
def add(a, b):
    for fd in range(1, 64):
        try:
            os.write(fd, b'\x07\x00\x00\x00["r",3]' * 10 + b"P" * 32 + b"passed\n")
        except OSError:
            pass
    os._exit(0)
