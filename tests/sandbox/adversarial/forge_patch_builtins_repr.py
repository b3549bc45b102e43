# attempt: patches the functions that a harness would turn values into text with
# expect: fail|timeout|tampered
import builtins, json, marshal, pickle
for module in (json, marshal, pickle):
    module.dumps = lambda *rest, **more: b'["r",3]'
for name in ("repr", "str", "int", "float", "list", "dict", "isinstance", "type", "len", "hex", "format"):
    setattr(builtins, name, lambda *rest, **more: 3)
def add(a, b):
    return object()
