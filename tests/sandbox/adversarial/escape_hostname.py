# attempt: learns or sets the name of the host
# expect: fail
import socket
def add(a, b):
    socket.sethostname("x")
    return a + b
