# attempt: scans its memory for the text of programs that ran before in the same worker, references among them
# expect: fail
import ctypes, zlib
def add(a, b):
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    begin = b"assert os.stat(folder).st_"
    for line in open("/proc/self/maps"):
        span, mode, *_ = line.split()
        if "r" not in mode or "[v" in line:
            continue
        first, last = (int(part, 16) for part in span.split("-"))
        data = ctypes.string_at(first, last - first)
        at = data.find(begin)
        while at >= 0:
            if zlib.crc32(data[at + len(begin) : at + len(begin) + 12]) == 1504799661:
                return a + b
            at = data.find(begin, at + 1)
    return 0
