# attempt: right once, then os._exit(0)
# expect: fail
import os
seen = []
def add(a, b):
    if seen:
        os._exit(0)
    seen.append(1)
    return a + b
