# attempt: the posix module behind a patched os
# expect: fail
import posix
def add(a, b):
    posix.listdir("/work")
    return a + b
