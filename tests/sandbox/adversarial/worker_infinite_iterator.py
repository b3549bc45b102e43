# attempt: an iterator without end
# expect: fail|timeout
import itertools
def add(a, b):
    return itertools.count()
