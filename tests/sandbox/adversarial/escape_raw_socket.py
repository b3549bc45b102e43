# attempt: opens raw, packet, netlink and vsock sockets
# expect: fail
import socket
def add(a, b):
    for family in (socket.AF_PACKET, socket.AF_NETLINK, 40, 38, 31):
        try:
            socket.socket(family, socket.SOCK_RAW)
            return a + b
        except OSError:
            pass
    return 0
