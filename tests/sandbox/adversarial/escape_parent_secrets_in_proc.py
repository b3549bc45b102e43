# attempt: every readable file of process 1 that could tell something
# expect: fail
import os
def add(a, b):
    for name in ("environ", "mem", "maps", "smaps", "auxv", "io", "stack", "syscall", "personality", "pagemap",
                 "map_files", "fdinfo", "timers", "numa_maps", "clear_refs", "wchan", "patch_state"):
        try:
            path = f"/proc/1/{name}"
            if os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(64).strip(b"\0 0"):
                return a + b
        except OSError:
            continue
    return 0
