# attempt: parent and forked child answer the same call
# expect: fail|tampered
import os
def add(a, b):
    if os.fork() == 0:
        return 0
    return a + b + 1
