# attempt: writes every long hex string in memory to every descriptor
# expect: fail|tampered|timeout
import gc, os, re
def add(a, b):
    for thing in gc.get_objects():
        if type(thing) is dict:
            for value in list(thing.values()):
                if type(value) is str and re.fullmatch("[0-9a-f]{32}", value):
                    for fd in range(3, 20):
                        try:
                            os.write(fd, value.encode())
                        except OSError:
                            pass
    return 0
