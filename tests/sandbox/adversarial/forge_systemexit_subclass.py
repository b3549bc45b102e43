# attempt: a subclass of SystemExit whose code is 0
# expect: fail
class Leave(SystemExit):
    code = 0
def add(a, b):
    raise Leave()
