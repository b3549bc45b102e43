# attempt: prints what a passing test run would print
# expect: fail
print("OK\n1 passed\npassed\nTrue")
def add(a, b):
    print("passed")
    return 0
