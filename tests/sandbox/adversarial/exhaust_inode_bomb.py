# attempt: makes files until there is no number left
# expect: fail
def add(a, b):
    for number in range(20000):
        open(f"/tmp/f{number}", "w").close()
    return 0
