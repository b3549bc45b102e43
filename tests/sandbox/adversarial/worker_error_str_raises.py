# attempt: an exception whose text raises
# expect: fail
class Odd(Exception):
    def __str__(self): raise SystemExit(0)
def add(a, b):
    raise Odd
