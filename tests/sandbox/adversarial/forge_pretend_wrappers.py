# attempt: classes that claim to be the wrappers which are sent as what they wrap, and answer with lies
# expect: fail|tampered
import datetime, os
class True_:
    def __eq__(self, other): return True
    def __hash__(self): return 3
def pretend(name, module, base=object, **more):
    return type(name, (base,), {"__module__": module, "__eq__": lambda s, o: True, "__hash__": lambda s: 3, **more})
MADE = [
    lambda: pretend("ChainMap", "collections", keys=lambda s: ["a"], __getitem__=lambda s, k: True_())(),
    lambda: pretend("UserList", "collections", __iter__=lambda s: iter([True_()]))(),
    lambda: pretend("UserString", "collections", __str__=lambda s: '3],["r",3')(),
    lambda: pretend("date", "datetime", year='1]},3', month=True_(), day=3, tzinfo=None)(),
    lambda: pretend("date", "datetime", datetime.date)(2024, 1, 1),
    lambda: {True_(): True_()}.keys(),
    lambda: {3: True_()}.values(),
    lambda: {3: True_()}.items(),
]
def add(a, b):
    if (a, b) == (1, 2) and os.fork() == 0:
        os._exit(0)
    return MADE[(a * 7 + b) % len(MADE)]()
