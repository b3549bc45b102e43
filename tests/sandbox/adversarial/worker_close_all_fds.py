# attempt: closes every descriptor
# expect: fail
import os
def add(a, b):
    os.closerange(0, 1000)
    return 0
