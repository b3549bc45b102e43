# attempt: children that ignore signals and fork on
# expect: fail
import os, signal, time
def add(a, b):
    for _ in range(5):
        if os.fork() == 0:
            for number in range(1, 32):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            while True:
                if os.fork():
                    os._exit(0)
                time.sleep(0.001)
    return 0
