# attempt: reads the channel for expected values that may come with the calls
# expect: fail|tampered|timeout
import os, marshal, select
def add(a, b):
    for fd in range(3, 64):
        try:
            ready = select.select([fd], [], [], 0)[0]
        except (OSError, ValueError):
            continue
        if ready:
            message = os.read(fd, 1 << 16)
            return marshal.loads(message[4:])[1][0][-1]
    return 0
