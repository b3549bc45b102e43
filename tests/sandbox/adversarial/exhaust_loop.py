# attempt: an endless loop
# expect: timeout
def add(a, b):
    while True:
        pass
