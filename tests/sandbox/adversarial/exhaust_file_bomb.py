# attempt: fills the temporary folder
# expect: fail
def add(a, b):
    for number in range(100):
        with open(f"f{number}", "wb") as file:
            for _ in range(30):
                file.write(b"x" * (1 << 20))
    return 0
