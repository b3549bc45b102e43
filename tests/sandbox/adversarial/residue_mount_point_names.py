# attempt: names of every length and byte below /tmp
# expect: fail
import os
def add(a, b):
    for number in range(1, 256):
        if number != 47:
            os.makedirs(b"/tmp/d" + bytes([number]) * 200, exist_ok=True)
            os.chmod(b"/tmp/d" + bytes([number]) * 200, 0)
    return 0
