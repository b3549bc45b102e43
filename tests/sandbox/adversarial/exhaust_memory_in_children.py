# attempt: many children with memory each
# expect: oom|fail|timeout
import os, time
def add(a, b):
    for _ in range(12):
        if os.fork() == 0:
            block = bytearray(120 << 20)
            for at in range(0, len(block), 4096):
                block[at] = 1
            time.sleep(100)
    time.sleep(100)
