# attempt: prints 200 MB
# expect: fail
def add(a, b):
    for _ in range(200):
        print("x" * (1 << 20))
    return 0
