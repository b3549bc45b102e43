# attempt: a sparse file of a terabyte
# expect: fail|crash
def add(a, b):
    with open("big", "wb") as file:
        file.truncate(1 << 40)
    return 0
