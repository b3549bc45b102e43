# attempt: every inotify, epoll, timer and event descriptor there is
# expect: fail
import ctypes, os
def add(a, b):
    libc = ctypes.CDLL(None)
    while libc.inotify_init1(0) >= 0:
        pass
    while libc.epoll_create1(0) >= 0:
        pass
    return 0
