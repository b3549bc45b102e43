# attempt: waits for input that never comes
# expect: fail
def add(a, b):
    return input()
