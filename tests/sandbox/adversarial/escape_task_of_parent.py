# attempt: the threads of process 1 by another way
# expect: fail
import os
def add(a, b):
    for name in ("environ", "mem", "fd", "root", "cwd", "exe", "maps"):
        for base in ("/proc/1/task/1", f"/proc/{os.getppid()}", "/proc/thread-self/../../1"):
            try:
                path = f"{base}/{name}"
                if name in ("root", "cwd", "exe"):
                    os.readlink(path)
                else:
                    os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)[0]
                return a + b
            except (OSError, IndexError):
                continue
    return 0
