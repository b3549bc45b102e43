# attempt: returns NotImplemented, whose comparison falls back
# expect: fail
def add(a, b):
    return NotImplemented
