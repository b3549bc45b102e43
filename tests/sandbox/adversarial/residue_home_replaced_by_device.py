# attempt: replaces the home by a FIFO while others hold it open
# expect: fail
import os
def add(a, b):
    os.chdir("/")
    os.rmdir("/tmp/w")
    os.mkfifo("/tmp/w")
    if os.fork() == 0:
        os.open("/tmp/w", os.O_RDWR)
        while True:
            pass
    return 0
