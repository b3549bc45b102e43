# attempt: tens of thousands of mappings in each of many processes
# expect: fail|timeout|oom|crash
import ctypes, os, time
def add(a, b):
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    for _ in range(20):
        if os.fork() == 0:
            for number in range(30_000):
                libc.mmap(None, ctypes.c_size_t(4096), 1 + number % 2 * 2, 0x22, -1, ctypes.c_long(0))
            time.sleep(60)
    time.sleep(1)
    return 0
