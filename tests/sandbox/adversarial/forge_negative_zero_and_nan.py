# attempt: values that compare oddly
# expect: fail
def add(a, b):
    return [float("nan"), -0.0, float("inf"), float("nan")][a % 4]
