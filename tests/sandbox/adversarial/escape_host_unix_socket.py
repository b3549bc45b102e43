# attempt: connects to sockets of the host
# expect: fail
import glob, socket
def add(a, b):
    for path in glob.glob("/run/*.sock") + glob.glob("/var/run/*.sock") + ["/run/docker.sock", "/dev/log"]:
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(path)
            return a + b
        except OSError:
            pass
    return 0
