# attempt: every number of prctl that could reach beyond the caller: memory maps, core scheduling, tracers, signals
# expect: fail
import ctypes, os
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    gained = 0
    gained |= libc.prctl(35, 13, 3, 0, 0) == 0  # the file that it is said to run
    for scope in (0, 1, 2):
        for command in (1, 2, 3):
            gained |= libc.prctl(62, command, 1, scope, 0) == 0  # the core of process 1
    gained |= libc.prctl(57, 1, 0, 0, 0) == 0  # the flusher of disks
    gained |= libc.prctl(8, 1, 0, 0, 0) == 0 and libc.setuid(0) == 0
    libc.prctl(1499557217, 1, 0, 0, 0)  # lets process 1 trace it
    libc.prctl(1, 9, 0, 0, 0)
    for number in range(3, 80):
        if number not in (22, 35, 57, 62):
            libc.prctl(number, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF)
    return a + b if gained else 0
