# attempt: an object whose comparison gives a truthy object
# expect: fail
class Yes:
    def __bool__(self): return True
class Odd:
    def __eq__(self, other): return Yes()
def add(a, b):
    return Odd()
