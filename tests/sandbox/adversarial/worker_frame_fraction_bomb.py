# attempt: a fraction of two numbers of a million digits
# expect: fail|tampered|timeout
import os
above, below = (int.from_bytes(os.urandom(500_000), "big") for _ in range(2))
text = b'["r",{"F":[{"i":"%x"},{"i":"%x"}]}]' % (above, below)
def add(a, b):
    for fd in range(3, 64):
        try:
            data = len(text).to_bytes(4, "little") + text
            while data:
                data = data[os.write(fd, data):]
        except OSError:
            pass
    return 0
