# attempt: a stack without limit in a thread
# expect: fail|crash|oom|timeout
import sys, threading
def add(a, b):
    threading.stack_size(400 << 20)
    sys.setrecursionlimit(10**9)
    def deep(n):
        return deep(n + 1)
    thread = threading.Thread(target=deep, args=(0,))
    thread.start()
    thread.join()
    return 0
