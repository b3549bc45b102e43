# attempt: locks a shared file of the library
# expect: fail
import fcntl, os, time
def add(a, b):
    file = open(os.__file__)
    fcntl.flock(file, fcntl.LOCK_EX)
    if os.fork() == 0:
        time.sleep(1000)
    return 0
