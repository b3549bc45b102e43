# attempt: the same through the program's own result
# expect: fail|tampered|oom|timeout
from collections import deque
def add(a, b):
    return [deque() for _ in range(400_000)]
