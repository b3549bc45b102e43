# attempt: every option that a socket has, on the channel, and no waiting on it
# expect: fail|tampered|timeout
import os, socket, stat
def add(a, b):
    for fd in range(3, 64):
        try:
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                continue
        except OSError:
            continue
        link = socket.socket(fileno=os.dup(fd))
        for number in range(1, 80):
            for value in (1, 0, 1 << 30):
                try:
                    link.setsockopt(socket.SOL_SOCKET, number, value)
                except (OSError, OverflowError):
                    pass
        os.set_blocking(fd, False)
    return [0] * 2_000_000
