# attempt: children that make files for as long as they live
# expect: fail
import os
def add(a, b):
    for number in range(8):
        if os.fork() == 0:
            at = 0
            while True:
                at += 1
                try:
                    os.makedirs(f"/tmp/r{number}/{at % 50}/x")
                    os.rename(f"/tmp/r{number}/{at % 50}", f"/tmp/w/{number}-{at % 70}")
                except OSError:
                    pass
    return 0
