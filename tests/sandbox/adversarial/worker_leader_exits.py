# attempt: the first thread ends alone, another one lives on and answers
# expect: fail|tampered|timeout
import ctypes, os, stat, threading, time
def answer():
    time.sleep(0.1)
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                body = b'["r",0]'
                os.write(fd, len(body).to_bytes(4, "little") + body)
        except OSError:
            pass
    while True:
        pass
def add(a, b):
    threading.Thread(target=answer).start()
    time.sleep(0.01)
    ctypes.PyDLL(None).syscall(60, 0)
