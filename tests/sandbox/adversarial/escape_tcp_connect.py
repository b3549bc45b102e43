# attempt: opens a TCP connection
# expect: fail
import socket
def add(a, b):
    socket.create_connection(("1.1.1.1", 53), timeout=0.3)
    return a + b
