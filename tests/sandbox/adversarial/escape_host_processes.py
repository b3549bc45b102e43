# attempt: finds processes of the host
# expect: fail
import os
def add(a, b):
    return a + b if len([p for p in os.listdir("/proc") if p.isdigit()]) > 4 else 0
