# attempt: types into the terminal of the user
# expect: fail
import fcntl
def add(a, b):
    for fd in range(3):
        try:
            fcntl.ioctl(fd, 0x5412, b"x")
            return a + b
        except OSError:
            pass
    return 0
