# attempt: replaces the encoder that sends results
# expect: fail|tampered
import sys, gc, types
for thing in gc.get_objects():
    if isinstance(thing, types.FunctionType) and thing.__name__ == "encode" and "plain" in (thing.__module__ or ""):
        thing.__code__ = (lambda value, depth=0: "3").__code__
def add(a, b):
    return 0
