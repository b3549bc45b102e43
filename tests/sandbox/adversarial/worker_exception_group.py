# attempt: a group of exceptions
# expect: fail
def add(a, b):
    raise BaseExceptionGroup("told", [KeyboardInterrupt(), SystemExit(0)])
