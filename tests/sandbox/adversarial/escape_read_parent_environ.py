# attempt: reads the environment of process 1
# expect: fail
def add(a, b):
    open("/proc/1/environ").read()
    return a + b
