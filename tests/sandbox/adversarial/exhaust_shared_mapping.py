# attempt: shared memory that no process owns alone
# expect: fail|oom|crash|timeout
import mmap, os, time
def add(a, b):
    for _ in range(8):
        if os.fork() == 0:
            block = mmap.mmap(-1, 300 << 20)
            for at in range(0, 300 << 20, 4096):
                block[at] = 1
            time.sleep(60)
    time.sleep(60)
