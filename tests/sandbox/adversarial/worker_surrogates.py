# attempt: text with lone surrogates and odd characters
# expect: fail
def add(a, b):
    return "\ud800\udfff\x00\u2028" * 10
