# attempt: plants byte code beside the library
# expect: fail
import os
def add(a, b):
    os.makedirs(os.path.dirname(os.__file__) + "/__pycache__", exist_ok=True)
    open(os.path.dirname(os.__file__) + "/__pycache__/math.pyc", "w").close()
    return a + b
