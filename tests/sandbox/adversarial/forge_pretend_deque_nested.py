# attempt: a deque of its own that yields frames
# expect: fail|tampered
Fake = type("deque", (), {"__module__": "collections", "__iter__": lambda self: iter(['"]}', "r", 3])})
def add(a, b):
    return Fake()
