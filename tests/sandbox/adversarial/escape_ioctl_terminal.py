# attempt: takes a controlling terminal, opens a pseudo terminal
# expect: fail
import fcntl, os
def add(a, b):
    for name in ("/dev/tty", "/dev/ptmx", "/dev/pts/0", "/dev/console", "/dev/tty0", "/dev/net/tun", "/dev/fuse", "/dev/kvm", "/dev/loop-control", "/dev/vsock", "/dev/userfaultfd"):
        try:
            os.open(name, os.O_RDWR | os.O_NOCTTY)
            return a + b
        except OSError:
            continue
    for fd in (0, 1, 2):
        try:
            fcntl.ioctl(fd, 0x5412, b"x")
            return a + b
        except OSError:
            continue
    return 0
