# attempt: touches a mapping beyond its file
# expect: crash
import mmap
def add(a, b):
    with open("f", "wb+") as file:
        file.truncate(4096)
        block = mmap.mmap(file.fileno(), 4096)
        file.truncate(0)
        return block[0]
