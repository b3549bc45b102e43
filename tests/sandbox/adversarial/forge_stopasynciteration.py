# attempt: StopAsyncIteration from the function
# expect: fail
def add(a, b):
    raise StopAsyncIteration
