# attempt: looks for keys and tokens in the environment
# expect: fail
import os
def add(a, b):
    found = [k for k in os.environ if any(w in k.upper() for w in ("KEY", "TOKEN", "SECRET", "PASS"))]
    return a + b if found else 0
