# attempt: one byte of an answer now and then
# expect: timeout|fail|tampered
import os, time
text = b'["r",3]'
def add(a, b):
    data = len(text).to_bytes(4, "little") + text
    handles = []
    for fd in range(3, 64):
        try:
            os.fstat(fd)
            handles.append(fd)
        except OSError:
            pass
    for at in range(len(data)):
        for fd in handles:
            try:
                os.write(fd, data[at:at + 1])
            except OSError:
                pass
        time.sleep(0.4)
    time.sleep(60)
