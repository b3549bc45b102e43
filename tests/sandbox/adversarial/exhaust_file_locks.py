# attempt: a lock on every second byte of many files
# expect: fail|timeout
import fcntl, os
def add(a, b):
    for number in range(20):
        handle = os.open(f"/tmp/w/{number}", os.O_CREAT | os.O_RDWR)
        for at in range(0, 4000, 2):
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
    return 0
