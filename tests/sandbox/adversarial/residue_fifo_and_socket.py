# attempt: a fifo and a socket that block a reader
# expect: fail
import os, socket
def add(a, b):
    os.mkfifo("pipe")
    socket.socket(socket.AF_UNIX).bind("/tmp/sock")
    return 0
