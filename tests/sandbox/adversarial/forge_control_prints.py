# attempt: CONTROL: right, and prints much
# expect: pass
def add(a, b):
    print("noise" * 100)
    return a + b
