# attempt: a frame that is twenty times larger once it is decoded
# expect: fail|tampered|oom|timeout
def add(a, b):
    return [[] for _ in range(3_000_000)]
