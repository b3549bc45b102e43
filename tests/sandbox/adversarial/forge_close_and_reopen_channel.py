# attempt: puts a socket of its own in place of the channel
# expect: fail|tampered|timeout
import os, socket
def add(a, b):
    ours, theirs = socket.socketpair()
    for fd in range(3, 32):
        if fd not in (ours.fileno(), theirs.fileno()):
            try:
                os.fstat(fd)
                os.dup2(theirs.fileno(), fd)
            except OSError:
                pass
    return 3
