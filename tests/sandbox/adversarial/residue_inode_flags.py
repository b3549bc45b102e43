# attempt: a message in the attribute flags of /tmp
# expect: fail
import fcntl, os, struct
def add(a, b):
    handle = os.open("/tmp", os.O_RDONLY)
    fcntl.ioctl(handle, 0x40086602, struct.pack("l", 0x40))
    return a + b
