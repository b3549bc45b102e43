# attempt: sets the clocks and the names of the machine
# expect: fail
import ctypes, socket, time
def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        time.clock_settime(0, time.time())
        return a + b
    except OSError:
        pass
    return a + b if libc.sethostname(b"x", 1) == 0 or libc.syscall(159, ctypes.create_string_buffer(b"\1" + bytes(300))) >= 0 else 0
