# attempt: an object whose every method runs away
# expect: fail|timeout
class Odd:
    def __bool__(self):
        while True:
            pass
def add(a, b):
    return Odd()
