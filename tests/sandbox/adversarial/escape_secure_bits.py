# attempt: prctl that would give rights back
# expect: fail
import ctypes
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((47, 2, 0, 0, 0), (28, 0x2F, 0, 0, 0), (38, 0, 0, 0, 0), (8, 1, 0, 0, 0), (35, 1, 0, 0, 0), (24, 0, 0, 0, 0)):
        if libc.prctl(*words) == 0 and words[0] != 8:
            return a + b
    return a + b if libc.prctl(39, 0, 0, 0, 0) != 1 else 0
