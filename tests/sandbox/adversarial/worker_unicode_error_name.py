# attempt: the name of an exception that cannot be made from one message
# expect: fail
def add(a, b):
    raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "told")
