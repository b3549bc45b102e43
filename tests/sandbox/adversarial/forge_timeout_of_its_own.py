# attempt: answers with the word for a time-out
# expect: fail|tampered
import os
text = b'["t"]'
def add(a, b):
    for fd in range(3, 64):
        try:
            os.write(fd, len(text).to_bytes(4, "little") + text)
        except OSError:
            pass
    return 0
