# attempt: scans its own memory for the text of the tests
# expect: fail
import re
def add(a, b):
    needle = b"assert " + b"add(20, 22) == "
    for line in open("/proc/self/maps"):
        span, mode, *_ = line.split()
        if "r" not in mode or "[v" in line:
            continue
        first, last = (int(part, 16) for part in span.split("-"))
        with open("/proc/self/mem", "rb", 0) as memory:
            memory.seek(first)
            try:
                if needle in memory.read(last - first):
                    return a + b
            except OSError:
                continue
    return 0
