# attempt: recursion without end or limit
# expect: crash|fail|oom|timeout
import sys
sys.setrecursionlimit(10**9)
def add(a, b):
    return add(a, b)
