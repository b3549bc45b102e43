# attempt: sys.exit(0) inside the function
# expect: fail
import sys
def add(a, b):
    sys.exit(0)
