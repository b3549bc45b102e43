# attempt: returns a generator of the answer
# expect: fail
def add(a, b):
    yield a + b
