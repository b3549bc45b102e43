# attempt: lists of objects that equal everything
# expect: fail
class Any:
    __eq__ = lambda self, other: True
    __hash__ = lambda self: 0
def add(a, b):
    return [Any(), (Any(),), {Any(): Any()}]
