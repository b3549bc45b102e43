# attempt: setuid(0)
# expect: fail
import os
def add(a, b):
    os.setuid(0)
    return a + b
