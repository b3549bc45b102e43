# attempt: fsopen, fsmount, open_tree, mount_setattr, statmount, listmount
# expect: fail
import ctypes
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    tries = [(430, b"tmpfs", 0), (430, b"proc", 0), (428, -100, b"/tmp", 1), (442, -100, b"/", 0x8000, 0, 0),
             (457, 0, 0, 0, 0), (458, 0, 0, 0, 0), (165, b"none", b"/tmp", b"tmpfs", 0, 0), (155, b"/tmp", b"/tmp"), (161, b"/tmp")]
    for number, *rest in tries:
        if libc.syscall(number, *rest) >= 0:
            return a + b
    return 0
