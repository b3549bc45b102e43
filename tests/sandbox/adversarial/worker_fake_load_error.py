# attempt: claims to have failed while loading
# expect: fail|tampered|compile_error
import os
def add(a, b):
    body = b'["x","load",["BaseException"],"passed"]'
    for fd in range(3, 12):
        try:
            os.write(fd, len(body).to_bytes(4, "little") + body)
        except OSError:
            pass
    return 0
