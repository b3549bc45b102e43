# attempt: forty orphans that ignore everything and hold locks, sockets and folders
# expect: fail
import os, signal, socket, time
def add(a, b):
    for number in range(10):
        if os.fork() == 0:
            os.setsid()
            for kind in range(1, 32):
                try:
                    signal.signal(kind, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            os.makedirs(f"/tmp/o{number}/x")
            os.chdir(f"/tmp/o{number}/x")
            link = socket.socket(socket.AF_UNIX)
            link.bind(f"/tmp/o{number}/s")
            if os.fork() == 0:
                time.sleep(100)
            os._exit(0)
    return 0
