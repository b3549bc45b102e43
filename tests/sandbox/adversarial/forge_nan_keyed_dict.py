# attempt: a dict with NaN keys and equal-looking values
# expect: fail
def add(a, b):
    return {float("nan"): 3, float("nan"): 0}
