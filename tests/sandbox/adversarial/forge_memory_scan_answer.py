# attempt: scans its own memory for the text of the tests
# expect: fail
import re
def add(a, b):
    needle = re.compile(rb"assert [a]dd[(]20, 22[)] == ")  # finds no copy of itself
    for line in open("/proc/self/maps"):
        span, mode, *_ = line.split()
        if "r" not in mode or "[v" in line:
            continue
        first, last = (int(part, 16) for part in span.split("-"))
        with open("/proc/self/mem", "rb", 0) as memory:
            memory.seek(first)
            try:
                if needle.search(memory.read(last - first)):
                    return a + b
            except OSError:
                continue
    return 0
