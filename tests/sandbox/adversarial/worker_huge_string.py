# attempt: a result of 100 MB
# expect: fail|oom|timeout
def add(a, b):
    return "x" * (100 << 20)
