# attempt: every signal to process 1
# expect: fail
import os
def add(a, b):
    for number in range(1, 65):
        try:
            os.kill(1, number)
        except OSError:
            pass
    return 0
