# attempt: allocates until it fails
# expect: oom|fail|crash|timeout
def add(a, b):
    kept = []
    while True:
        kept.append(bytearray(1 << 24))
