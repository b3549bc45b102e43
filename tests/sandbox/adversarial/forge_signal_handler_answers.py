# attempt: a timer that answers in place of the function
# expect: fail|tampered
import os, signal, time
def late(number, frame):
    text = b'["r",3]'
    for fd in range(3, 64):
        try:
            os.write(fd, len(text).to_bytes(4, "little") + text)
        except OSError:
            pass
signal.signal(signal.SIGALRM, late)
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
def add(a, b):
    time.sleep(0.1)
    return 0
