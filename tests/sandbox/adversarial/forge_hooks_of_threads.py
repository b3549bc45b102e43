# attempt: every hook that the interpreter calls for errors nobody caught ends the process with success
# expect: fail
import os, sys, threading
def leave(*_): os._exit(0)
sys.excepthook = sys.unraisablehook = threading.excepthook = sys.displayhook = sys.breakpointhook = leave
class Odd:
    def __del__(self): raise ValueError
def add(a, b):
    Odd()
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    raise ValueError
