# attempt: replaces the function that makes the calls
# expect: fail|tampered
import gc, types
for thing in gc.get_objects():
    if isinstance(thing, types.FunctionType) and thing.__name__ == "_one_call":
        thing.__code__ = (lambda f, a, k, p, w: '["r",true]').__code__
def add(a, b):
    return 0
