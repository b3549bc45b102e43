# attempt: appends "passed" to every list the collector knows
# expect: fail
import gc
def add(a, b):
    for thing in gc.get_objects():
        if type(thing) is list and len(thing) < 3 and thing is not None:
            try:
                thing.append("passed")
            except Exception:
                pass
    return 0
