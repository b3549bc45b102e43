# attempt: an exception with a name that the harness might look up
# expect: fail
Odd = type("__import__", (Exception,), {})
def add(a, b):
    raise Odd("os")
