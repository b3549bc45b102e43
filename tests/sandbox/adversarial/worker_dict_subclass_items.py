# attempt: a dict whose items() lies
# expect: fail
class Odd(dict):
    def items(self):
        while True:
            yield 1, 1
def add(a, b):
    return Odd({1: 2})
