# attempt: many names of one file
# expect: fail
import os
def add(a, b):
    open("one", "w").close()
    for number in range(500):
        os.link("one", f"/tmp/l{number}")
    return 0
