# attempt: every way of leaving with success, one per call
# expect: fail|tampered|timeout|crash
import os, signal, sys
def add(a, b):
    if a == 1:
        try:
            raise SystemExit
        finally:
            os.execv("/bin/true", ["true"])
    return 0
