# attempt: half a million brackets
# expect: tampered
import os
def add(a, b):
    body = b"[" * 500000
    for fd in range(3, 12):
        try:
            data = len(body).to_bytes(4, "little") + body
            while data:
                data = data[os.write(fd, data):]
        except OSError:
            pass
    return 0
