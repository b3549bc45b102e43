# attempt: a constant that takes for ever to fold
# expect: compile_error|fail|timeout|oom
x = (1 << 10**7) ** 100
def add(a, b):
    return 0
