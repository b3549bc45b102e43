# attempt: an exception of a class with a thousand bases and a message without end
# expect: fail|timeout|oom
base = Exception
for number in range(900):
    base = type(f"Odd{number}", (base,), {"__str__": lambda self: "x" * (1 << 28)})
def add(a, b):
    raise base()
