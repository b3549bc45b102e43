# attempt: an object that claims to be a dict, a list and a float at once
# expect: fail
class Liar:
    def __getattribute__(self, name):
        return {"__class__": float, "shape": (), "item": lambda: 3}.get(name, True)
def add(a, b):
    return Liar()
