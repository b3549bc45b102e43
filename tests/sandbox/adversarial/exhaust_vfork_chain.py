# attempt: processes that replace themselves for ever
# expect: timeout|fail|tampered
import os, sys
def add(a, b):
    os.execv(sys.executable, [sys.executable, "-S", "-c", "import os, sys\nwhile True:\n    if os.fork(): os._exit(0)"])
