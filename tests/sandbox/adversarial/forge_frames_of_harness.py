# attempt: walks every frame and every object for code of the trusted side
# expect: fail
import gc, sys, types
def add(a, b):
    frame = sys._getframe()
    seen = []
    while frame:
        seen += list(frame.f_locals.values()) + list(frame.f_globals.values())
        frame = frame.f_back
    for thing in gc.get_objects() + seen:
        code = getattr(thing, "__code__", thing)
        if isinstance(code, types.CodeType) and code.co_filename.endswith(("split.py", "wire.py", "adversary.py")):
            return a + b
    return 0
