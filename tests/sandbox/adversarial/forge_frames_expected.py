# attempt: looks for the expected value in the frames above
# expect: fail
import sys
def add(a, b):
    frame = sys._getframe(1)
    while frame:
        for name in ("expected", "gt_out", "reference", "result", "want"):
            if name in frame.f_locals:
                return frame.f_locals[name]
        frame = frame.f_back
    return 0
