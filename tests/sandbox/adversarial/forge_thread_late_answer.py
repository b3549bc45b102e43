# attempt: returns wrong and lets a thread answer right later
# expect: fail|tampered
import threading, time, os
def late():
    time.sleep(0.01)
    for fd in range(3, 12):
        try:
            os.write(fd, b'\x07\x00\x00\x00["r",3]')
        except OSError:
            pass
def add(a, b):
    threading.Thread(target=late, daemon=True).start()
    return 0
