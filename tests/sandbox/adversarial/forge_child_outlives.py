# attempt: a forked child keeps the channel and answers for all later calls
# expect: fail|tampered|timeout
import os, time
def add(a, b):
    if os.fork():
        os._exit(0)
    time.sleep(0.05)
    return 0
