# attempt: keeps an unlinked file open in a grandchild
# expect: fail
import os, time
def add(a, b):
    file = open("gone", "wb")
    file.write(b"x" * (20 << 20))
    file.flush()
    os.unlink("gone")
    if os.fork() == 0:
        os.setsid()
        time.sleep(1000)
    return 0
