# attempt: a regular expression that backtracks for ever
# expect: timeout
import re
def add(a, b):
    return re.match(r"(a+)+$", "a" * 40 + "b")
