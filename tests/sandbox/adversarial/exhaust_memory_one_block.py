# attempt: one allocation of 100 GB
# expect: oom|fail|timeout
def add(a, b):
    return len(bytearray(100 << 30))
