# attempt: the module brings its own check()
# expect: fail
def check(f):
    return True
def add(a, b):
    return 0
