# attempt: recursion without end
# expect: fail
def add(a, b):
    return add(a, b)
