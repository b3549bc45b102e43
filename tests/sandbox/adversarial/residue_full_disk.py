# attempt: no space and no inode left behind
# expect: fail
import os
def add(a, b):
    try:
        with open("/tmp/w/big", "wb") as file:
            while True:
                file.write(b"x" * (1 << 20))
    except OSError:
        pass
    at = 0
    try:
        while True:
            at += 1
            os.symlink("x" * 60, f"/dev/shm/{at}")
    except OSError:
        return 0
