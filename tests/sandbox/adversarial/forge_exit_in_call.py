# attempt: os._exit(0) inside the function
# expect: fail
import os
def add(a, b):
    os._exit(0)
