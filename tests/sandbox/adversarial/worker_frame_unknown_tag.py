# attempt: a tag that does not exist
# expect: tampered
import os
def add(a, b):
    body = b'["r",{"pickle":"x"}]'
    for fd in range(3, 12):
        try:
            os.write(fd, len(body).to_bytes(4, "little") + body)
        except OSError:
            pass
    return 0
