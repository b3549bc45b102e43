# attempt: a type with a name of 10 MB
# expect: fail
Odd = type("x" * (10 << 20), (), {})
def add(a, b):
    return Odd()
