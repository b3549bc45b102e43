# attempt: maps far more than there is without reserving it
# expect: fail|oom|crash|timeout
import mmap
def add(a, b):
    kept = [mmap.mmap(-1, 1 << 34, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000) for _ in range(100)]
    return 0
