# attempt: a grandchild that answers later calls
# expect: fail|tampered|timeout
import os, time
def add(a, b):
    if os.fork() == 0:
        if os.fork() == 0:
            return 0
        os._exit(0)
    time.sleep(1000)
