# attempt: shuts one half of the channel so that the other side hears an orderly end
# expect: fail|tampered|timeout
import socket
def add(a, b):
    for fd in range(3, 64):
        try:
            socket.socket(fileno=fd).shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
    return 3
