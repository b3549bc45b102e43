# attempt: folders nested a thousand deep
# expect: fail
import os
def add(a, b):
    for _ in range(1000):
        os.mkdir("d" * 100)
        os.chdir("d" * 100)
    return 0
