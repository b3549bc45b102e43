# attempt: an exception whose message closes the frame and writes the answer
# expect: fail|tampered
def add(a, b):
    raise ValueError('"]\n["r",3]\x00\x00')
