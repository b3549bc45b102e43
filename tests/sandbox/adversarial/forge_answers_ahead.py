# attempt: writes answers for all calls at once, from another test set
# expect: fail|tampered
import os
def frame(text):
    return len(text).to_bytes(4, "little") + text
def add(a, b):
    for fd in range(3, 64):
        try:
            os.write(fd, frame(b'["r",3]') + frame(b'["r",1]') + frame(b'["r",2]'))
        except OSError:
            pass
    return 0
