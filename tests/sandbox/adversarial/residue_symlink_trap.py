# attempt: links that lead a careless cleaner outside
# expect: fail
import os
def add(a, b):
    os.symlink("/usr/bin", "link")
    os.symlink("/", "/tmp/root")
    os.symlink("loop", "loop")
    return 0
