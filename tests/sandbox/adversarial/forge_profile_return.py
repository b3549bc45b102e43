# attempt: a profile function that rewrites what is returned
# expect: fail
import sys, threading
def swap(frame, event, argument):
    if event == "return":
        frame.f_locals["text"] = frame.f_locals["result"] = 3
        import ctypes
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
sys.setprofile(swap)
threading.setprofile(swap)
def add(a, b):
    return 0
