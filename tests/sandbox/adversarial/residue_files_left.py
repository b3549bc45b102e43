# attempt: leaves files everywhere it can
# expect: fail
import os
def add(a, b):
    for folder in ("/tmp", "/tmp/w", "/dev/shm", "/var/tmp", "/run"):
        try:
            with open(folder + "/left", "w") as file:
                file.write("x")
        except OSError:
            pass
    return 0
