# attempt: reloads os and reads outside
# expect: fail
import importlib, os
importlib.reload(os)
def add(a, b):
    return a + b if os.path.exists("/var/log") else 0
