# attempt: writes every file below /proc/sys that opens
# expect: fail
import os
def add(a, b):
    for folder, _, files in os.walk("/proc/sys"):
        for name in files:
            try:
                with open(f"{folder}/{name}", "r+b", 0) as file:
                    old = file.read()
                    file.seek(0)
                    file.write(old)
                    return a + b
            except OSError:
                continue
    return 0
