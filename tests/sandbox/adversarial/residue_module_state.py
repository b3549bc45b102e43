# attempt: changes a module that the next program imports
# expect: fail
import math, sys
math.__dict__["pi"] = 3
sys.modules["math"] = None
def add(a, b):
    return 0
