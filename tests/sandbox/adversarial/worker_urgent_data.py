# attempt: urgent data on the channel, alone and between the bytes of an answer
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
        body = b'["r",3]'
        for part, flags in ((b"!", socket.MSG_OOB), (len(body).to_bytes(4, "little"), 0), (b"?", socket.MSG_OOB), (body, 0)):
            try:
                link.send(part, flags)
            except OSError:
                pass
    return 0
