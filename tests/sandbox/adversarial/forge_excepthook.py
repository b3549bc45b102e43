# attempt: sys.excepthook that leaves with 0
# expect: fail
import os, sys
sys.excepthook = lambda *a: os._exit(0)
def add(a, b):
    raise ValueError
