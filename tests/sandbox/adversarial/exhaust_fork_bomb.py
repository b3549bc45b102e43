# attempt: forks without end
# expect: fail|timeout|crash|oom
import os
def add(a, b):
    while True:
        try:
            os.fork()
        except OSError:
            pass
