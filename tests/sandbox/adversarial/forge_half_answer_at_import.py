# attempt: the first half of an answer while loading, the other half with the result of the call
# expect: fail|tampered|timeout
import os, stat
def channel():
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                return fd
        except OSError:
            pass
whole = b'["r",3]'
os.write(channel(), len(whole).to_bytes(4, "little") + whole[:4])
def add(a, b):
    os.write(channel(), whole[4:])
    return 0
