# attempt: CONTROL: right, as an int subclass
# expect: pass
class Number(int):
    pass
def add(a, b):
    return Number(a + b)
