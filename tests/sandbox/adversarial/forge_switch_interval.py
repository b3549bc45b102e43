# attempt: a thread that replaces what the frames of the harness are about to send
# expect: fail|tampered|timeout
import sys, threading
sys.setswitchinterval(1e-6)
def meddle():
    import ctypes
    me = threading.main_thread().ident
    while True:
        frame = sys._current_frames().get(me)
        while frame is not None:
            for name in ("result", "text", "value", "data"):
                if name in frame.f_locals and frame.f_code.co_filename != "<candidate>":
                    try:
                        frame.f_locals[name] = 3
                        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
                    except BaseException:
                        pass
            frame = frame.f_back
threading.Thread(target=meddle, daemon=True).start()
class Slow(list):
    pass
def add(a, b):
    return Slow([None] * 2000)
