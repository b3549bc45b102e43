# attempt: sends descriptors and credentials along with an answer
# expect: fail|tampered
import array, os, socket
def add(a, b):
    text = b'["r",0]'
    for fd in range(3, 64):
        try:
            link = socket.socket(fileno=os.dup(fd))
            for _ in range(50):
                link.sendmsg([len(text).to_bytes(4, "little") + text],
                             [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2] * 20))])
        except OSError:
            pass
    return 0
