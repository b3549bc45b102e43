# attempt: shared memory that no process has resident
# expect: oom
import mmap, os, time
def add(a, b):
    for _ in range(6):
        if os.fork() == 0:
            block, part = mmap.mmap(-1, 300 << 20), 10 << 20
            if os.fork() == 0:
                for at in range(0, 300 << 20, part):
                    block[at : at + part] = b"x" * part
                    block.madvise(mmap.MADV_DONTNEED, at, part)
                os._exit(0)
            time.sleep(60)
    time.sleep(5)
    return a + b
