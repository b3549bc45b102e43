# attempt: writes what /proc offers of itself and of others
# expect: fail
import ctypes, os
def add(a, b):
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    for process in ("self", "thread-self", "1"):
        for name in ("autogroup", "clear_refs", "comm", "coredump_filter", "gid_map", "mem", "oom_adj", "oom_score_adj",
                     "projid_map", "sched", "setgroups", "timens_offsets", "timerslack_ns", "uid_map", "attr/current",
                     "attr/exec", "make-it-fail", "loginuid"):
            try:
                os.close(os.open(f"/proc/{process}/{name}", os.O_WRONLY))
                return a + b
            except OSError:
                pass
    return 0
