# attempt: the child answers, the parent leaves with 0
# expect: fail|tampered
import os
def add(a, b):
    if os.fork() == 0:
        return 0
    os._exit(0)
