# attempt: a number that is short to write and endless to convert
# expect: fail
from decimal import Decimal
def add(a, b):
    return Decimal("1E+999999999")
