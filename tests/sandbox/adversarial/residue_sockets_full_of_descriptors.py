# attempt: sockets within sockets within sockets, as deep as the kernel lets them lie
# expect: fail
import os, socket
def add(a, b):
    held = socket.socketpair()
    try:
        for _ in range(100):
            outer = socket.socketpair()
            socket.send_fds(outer[0], [b"x"], [held[0].fileno(), held[1].fileno()])
            for end in held:
                end.close()
            held = outer
        socket.send_fds(held[0], [b"x"], [held[0].fileno(), held[1].fileno(), os.open("/tmp/w/f", os.O_CREAT | os.O_RDWR)])
    except OSError:
        pass
    return 0
