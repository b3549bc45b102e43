# attempt: a child below the limit of processor time for each call, whose end the parent does not want to hear of
# expect: timeout
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
def add(a, b):
    out, into = os.pipe()
    if os.fork() == 0:
        end = time.process_time() + 0.42
        while time.process_time() < end:
            pass
        os._exit(0)
    os.close(into)
    os.read(out, 1)
    return a + b
