# attempt: the control groups and /sys of the host
# expect: fail
import os
def add(a, b):
    return a + b if os.path.exists("/sys/fs/cgroup") or os.path.exists("/sys/kernel") else 0
