# attempt: hundreds of children that nobody waits for
# expect: fail|timeout
import os
def add(a, b):
    for _ in range(400):
        try:
            if os.fork() == 0:
                if os.fork() == 0:
                    os._exit(0)
                os._exit(0)
            os.wait()
        except OSError:
            pass
    return 0
