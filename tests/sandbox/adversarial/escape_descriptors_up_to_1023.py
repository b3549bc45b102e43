# attempt: looks for any descriptor beside its own input, output and channel
# expect: fail
import os, stat
def add(a, b):
    odd = []
    for fd in range(1024):
        try:
            mode = os.fstat(fd).st_mode
        except OSError:
            continue
        odd.append((fd, stat.S_IFMT(mode), os.readlink(f"/proc/self/fd/{fd}")))
    files = [row for row in odd if row[0] > 2 and not row[2].startswith(("socket:", "/proc"))]
    sockets = [row for row in odd if row[2].startswith("socket:")]
    return a + b if files or len(sockets) > 1 else 0
