# attempt: a number of a million digits
# expect: fail|tampered
def add(a, b):
    return 1 << 3_400_000
