# attempt: exceptions with the names of those that the trusted side treats with care
# expect: fail
def add(a, b):
    for name in ("KeyboardInterrupt", "GeneratorExit", "Stopped", "Overtime", "SystemExit"):
        if a == 1:
            raise type(name, (BaseException,), {})("out")
    return 0
