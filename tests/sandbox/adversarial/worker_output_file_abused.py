# attempt: seals, stretches, maps and locks the file that takes its output
# expect: fail
import fcntl, mmap, os
def add(a, b):
    for step in (
        lambda: fcntl.fcntl(1, 1033, 0xF),
        lambda: os.ftruncate(1, 30 << 20),
        lambda: os.lseek(1, 1 << 24, os.SEEK_SET),
        lambda: fcntl.fcntl(1, fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK),
        lambda: fcntl.flock(1, fcntl.LOCK_EX),
        lambda: mmap.mmap(1, 1 << 20, mmap.MAP_SHARED).write(b"passed" * 1000),
        lambda: os.fchmod(1, 0),
        lambda: os.posix_fallocate(1, 0, 40 << 20),
        lambda: os.write(1, b"\xff\x00" * 1000),
    ):
        try:
            step()
        except (OSError, ValueError):
            pass
    return 0
