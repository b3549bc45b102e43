# attempt: children that each use little of the processor
# expect: timeout
import os
def add(a, b):
    for _ in range(8):
        if os.fork() == 0:
            while True:
                pass
    while True:
        pass
