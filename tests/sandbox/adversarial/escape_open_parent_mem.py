# attempt: opens the memory of process 1
# expect: fail
def add(a, b):
    open("/proc/1/mem", "r+b")
    return a + b
