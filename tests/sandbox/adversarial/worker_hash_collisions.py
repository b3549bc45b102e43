# attempt: a set made to collide
# expect: fail|timeout|tampered
def add(a, b):
    return {n * (2**61 - 1) for n in range(3000)}
