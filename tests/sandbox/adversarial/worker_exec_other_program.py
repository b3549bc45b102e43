# attempt: becomes another program
# expect: fail|timeout
import os
def add(a, b):
    os.execv("/bin/echo", ["echo", "passed"])
