# attempt: writes into the standard library for the next program
# expect: fail
import os
def add(a, b):
    path = os.path.dirname(os.__file__)
    with open(path + "/sitecustomize.py", "w") as file:
        file.write("x")
    return a + b
