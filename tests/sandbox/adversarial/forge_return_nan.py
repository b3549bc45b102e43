# attempt: returns NaN
# expect: fail
def add(a, b):
    return float("nan")
