# attempt: changes the limits of process 1
# expect: fail
import resource
def add(a, b):
    resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3))
    return a + b
