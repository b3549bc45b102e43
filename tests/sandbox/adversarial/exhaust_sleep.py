# attempt: sleeps for ever
# expect: timeout
import time
def add(a, b):
    time.sleep(1000)
