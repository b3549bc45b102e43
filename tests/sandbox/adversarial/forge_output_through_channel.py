# attempt: puts the channel in place of its output and prints answers
# expect: fail|tampered|timeout
import os, stat, sys
def add(a, b):
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                os.dup2(fd, 1)
                os.dup2(fd, 2)
        except OSError:
            pass
    for body in ('["r",3]', '["n"]', '["r",42]'):
        sys.stdout.buffer.write(len(body).to_bytes(4, "little") + body.encode())
    sys.stdout.flush()
    sys.stderr.write("passed\n")
    return 0
