# attempt: KeyboardInterrupt, as if the user had stopped the run
# expect: fail
def add(a, b):
    raise KeyboardInterrupt
