# attempt: a range that is small on the way and fills the memory of whoever lists it
# expect: fail
def add(a, b):
    return range(10**15)
