# attempt: asks the kernel to signal process 1 on every write
# expect: fail
import fcntl, os, socket
def add(a, b):
    one, other = socket.socketpair()
    fcntl.fcntl(one, fcntl.F_SETOWN, 1)
    fcntl.fcntl(one, 10, 9)
    fcntl.fcntl(one, fcntl.F_SETFL, os.O_ASYNC)
    other.send(b"x")
    return 0
