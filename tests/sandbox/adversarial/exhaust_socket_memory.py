# attempt: kernel memory in local sockets, by many processes
# expect: oom|timeout
import os, socket, time
def add(a, b):
    for _ in range(40):
        if os.fork() == 0:
            kept = []
            try:
                while True:
                    one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
                    kept += [one, two]
                    for end in (one, two):
                        end.setblocking(False)
                        try:
                            while True:
                                end.send(b"x" * 65536)
                        except OSError:
                            pass
            except OSError:
                time.sleep(60)
    time.sleep(60)
