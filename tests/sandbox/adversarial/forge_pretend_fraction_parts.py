# attempt: a Fraction of its own with lying parts
# expect: fail|tampered
Fake = type("Fraction", (), {"__module__": "fractions", "numerator": "1],\"x\"", "denominator": 0})
def add(a, b):
    return Fake()
