# attempt: forks without end while loading
# expect: fail|timeout|crash|oom|tampered
import os
for _ in range(10000):
    try:
        os.fork()
    except OSError:
        break
def add(a, b):
    return 0
