# attempt: files that lie in sockets which hold each other, so that they outlive everybody for a moment
# expect: fail
import os, socket
def add(a, b):
    for number in range(12):
        file = os.open(f"/tmp/w/{number}", os.O_CREAT | os.O_RDWR)
        os.write(file, b"x" * 500_000)
        one, two = socket.socketpair()
        for end in (one, two):
            socket.send_fds(end, [b"x"], [one.fileno(), two.fileno(), file])
        os.close(file)
        one.close()
        two.close()
    return 0
