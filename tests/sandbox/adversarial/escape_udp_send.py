# attempt: sends a UDP packet
# expect: fail
import socket
def add(a, b):
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.sendto(b"x", ("8.8.8.8", 53))
    return a + b
