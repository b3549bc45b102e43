# attempt: shared anonymous memory without end
# expect: oom|fail|crash|timeout
import mmap
def add(a, b):
    kept = []
    while True:
        block = mmap.mmap(-1, 64 << 20)
        block.write(b"x" * (64 << 20))
        kept.append(block)
