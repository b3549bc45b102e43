# attempt: listens on the loopback interface
# expect: fail
import socket
def add(a, b):
    link = socket.socket()
    link.bind(("127.0.0.1", 0))
    link.listen()
    return a + b
