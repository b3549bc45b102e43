# attempt: a computation that never returns to the interpreter
# expect: timeout
def add(a, b):
    return 7 ** 10 ** 9
