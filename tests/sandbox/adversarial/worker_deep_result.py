# attempt: a list nested a hundred thousand deep
# expect: fail
def add(a, b):
    result = []
    for _ in range(100000):
        result = [result]
    return result
