# attempt: a Decimal of its own whose text closes the frame and answers for itself
# expect: fail|tampered
Fake = type("Decimal", (), {"__module__": "decimal", "__str__": lambda self: '3"},["r",3]'})
def add(a, b):
    return Fake()
