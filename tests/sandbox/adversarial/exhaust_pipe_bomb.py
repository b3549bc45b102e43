# attempt: fills pipes with data
# expect: fail
import os
def add(a, b):
    while True:
        _, into = os.pipe()
        os.set_blocking(into, False)
        os.write(into, b"x" * 65536)
