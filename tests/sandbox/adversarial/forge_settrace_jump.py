# attempt: a trace function that jumps over lines of its callers
# expect: fail
import sys
def trace(frame, event, arg):
    try:
        frame.f_lineno = frame.f_lineno + 1
    except (ValueError, AttributeError):
        pass
    return trace
sys.settrace(trace)
frame = sys._getframe()
while frame:
    frame.f_trace = trace
    frame = frame.f_back
def add(a, b):
    return 0
