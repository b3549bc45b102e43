# attempt: arrays of one element whose comparison is true
# expect: fail
try:
    import numpy as np
except ImportError:
    np = None
def add(a, b):
    return np.array([object()], dtype=object) if np else object()
