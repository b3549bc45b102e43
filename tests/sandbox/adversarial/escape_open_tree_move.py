# attempt: new mount interface: open_tree and fsopen
# expect: fail
import ctypes
def add(a, b):
    libc = ctypes.CDLL(None)
    return a + b if libc.syscall(428, -100, b"/", 1) >= 0 or libc.syscall(430, b"tmpfs", 0) >= 0 else 0
