# attempt: writes into the slots of int through ctypes, so that everything equals everything here
# expect: fail|crash|tampered
import ctypes
def add(a, b):
    proxy = ctypes.py_object.from_address(id(int.__dict__) + 16).value
    proxy["__eq__"] = lambda self, other: True
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(int))
    return 99
