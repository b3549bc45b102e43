# attempt: leaves the answer for the next program
# expect: fail
def add(a, b):
    for path in ("/tmp/answer", "/tmp/w/answer", "/dev/shm/answer"):
        with open(path, "w") as file:
            file.write("3")
    return 0
