# attempt: says at import that nothing was asked, and leaves with 0
# expect: fail|tampered
import os
text = b'["n"]'
for fd in range(3, 64):
    try:
        os.write(fd, len(text).to_bytes(4, "little") + text)
    except OSError:
        pass
os._exit(0)
