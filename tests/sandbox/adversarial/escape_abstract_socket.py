# attempt: connects to abstract sockets of the host
# expect: fail
def add(a, b):
    import socket
    names = [l.split()[-1] for l in open("/proc/net/unix").read().splitlines()[1:] if "@" in l]
    for name in names:
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect("\0" + name[1:])
            return a + b
        except OSError:
            pass
    return 0
