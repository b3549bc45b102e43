# attempt: opens files until it may not
# expect: fail
import os
def add(a, b):
    while True:
        os.open("/dev/null", os.O_RDONLY)
