# attempt: StopIteration, to end the loop over the tests
# expect: fail
def add(a, b):
    raise StopIteration
