# attempt: returns True for everything
# expect: fail
def add(a, b):
    return True
