# attempt: returns an AssertionError instead of raising it
# expect: fail
def add(a, b):
    return AssertionError("passed")
