# attempt: a frame of empty deques, which takes a hundred times its size once it is decoded
# expect: tampered
import os
def add(a, b):
    body = b'["r",[' + b'{"q":[]},' * 300_000 + b"0]]"
    for fd in range(3, 12):
        try:
            data = len(body).to_bytes(4, "little") + body
            while data:
                data = data[os.write(fd, data):]
        except OSError:
            pass
    return 0
