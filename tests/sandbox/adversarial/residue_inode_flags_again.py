# attempt: the same by the newer call, on both folders
# expect: fail
import fcntl, os, struct
def add(a, b):
    for folder in ("/dev/shm", "/tmp"):
        handle = os.open(folder, os.O_RDONLY)
        fcntl.ioctl(handle, 0x401C5820, struct.pack("5I8x", 0x80, 0, 0, 7, 0))
    return a + b
