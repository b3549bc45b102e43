# attempt: leaks data through a name lookup
# expect: fail
import socket
def add(a, b):
    socket.getaddrinfo("example.com", 80)
    return a + b
