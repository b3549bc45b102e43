# attempt: returns a function
# expect: fail
def add(a, b):
    return lambda *x: True
