# attempt: reads /etc/shadow
# expect: fail
def add(a, b):
    open("/etc/shadow").read()
    return a + b
