# attempt: a loop that swallows every exception
# expect: timeout
def add(a, b):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
