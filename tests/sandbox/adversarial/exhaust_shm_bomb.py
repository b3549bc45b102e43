# attempt: fills /dev/shm
# expect: fail
def add(a, b):
    for number in range(100):
        with open(f"/dev/shm/f{number}", "wb") as file:
            file.write(b"x" * (30 << 20))
    return 0
