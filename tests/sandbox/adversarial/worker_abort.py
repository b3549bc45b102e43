# attempt: abort(), with a core dump if one may be made
# expect: crash
import os
def add(a, b):
    os.abort()
