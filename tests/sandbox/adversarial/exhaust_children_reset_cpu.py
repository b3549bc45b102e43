# attempt: a chain of short children, each below the limit of processor time
# expect: timeout
import os, time
def add(a, b):
    while True:
        pid = os.fork()
        if pid == 0:
            end = time.process_time() + 0.3
            while time.process_time() < end:
                pass
            os._exit(0)
        os.waitpid(pid, 0)
