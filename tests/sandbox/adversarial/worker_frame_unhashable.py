# attempt: a set of lists
# expect: tampered
import os
def add(a, b):
    body = b'["r",{"s":[[1]]}]'
    for fd in range(3, 12):
        try:
            os.write(fd, len(body).to_bytes(4, "little") + body)
        except OSError:
            pass
    return 0
