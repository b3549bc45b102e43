# attempt: a large frozen set that is made to collide
# expect: fail|tampered|timeout
import os
text = ('["r",{"z":[%s]}]' % ",".join('{"i":"%x"}' % (n * (2**61 - 1)) for n in range(1, 200_000))).encode()
def add(a, b):
    for fd in range(3, 64):
        try:
            data = len(text).to_bytes(4, "little") + text
            while data:
                data = data[os.write(fd, data):]
        except OSError:
            pass
    return 0
