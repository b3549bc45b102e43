# attempt: overwrites the entry of every namespace above
# expect: fail
import sys
frame = sys._getframe()
while frame:
    for name in list(frame.f_globals):
        if name in ("passed", "ok", "status", "verdict"):
            frame.f_globals[name] = True
    frame = frame.f_back
def add(a, b):
    return 0
