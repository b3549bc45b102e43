# attempt: opens an IPv6 socket
# expect: fail
import socket
def add(a, b):
    socket.socket(socket.AF_INET6)
    return a + b
