# attempt: reports a load error under the name of a pass
# expect: fail|tampered|compile_error
import os
text = b'["x","pass",["SystemExit"],"0"]'
for fd in range(3, 64):
    try:
        os.write(fd, len(text).to_bytes(4, "little") + text)
    except OSError:
        pass
def add(a, b):
    return 0
