# attempt: gigabytes of output from many children
# expect: fail|timeout|crash
import os
def add(a, b):
    for _ in range(8):
        if os.fork() == 0:
            while True:
                os.write(1, b"x" * (1 << 20))
    while True:
        os.write(2, b"y" * (1 << 20))
