# attempt: sends the first, right answer again for each later call
# expect: fail|tampered
import os
def add(a, b):
    if a == 1:
        return a + b
    text = b'["r",3]'
    for fd in range(3, 64):
        try:
            os.write(fd, len(text).to_bytes(4, "little") + text)
        except OSError:
            pass
    return 3
