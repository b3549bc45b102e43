# attempt: imports the harness to call its own pass
# expect: fail
import sys
import evalsuite
def add(a, b):
    return a + b
