# attempt: lists a home folder of the host
# expect: fail
import os
def add(a, b):
    import sys
    for folder in ("/root", "/home", "/work"):
        if os.path.isdir(folder):
            for name in os.listdir(folder):  # the way to the interpreter may lead through a home
                if not sys.base_prefix.startswith(folder + "/" + name):
                    return a + b
    return 0
