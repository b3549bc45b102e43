# attempt: folders nobody may enter
# expect: fail
import os
def add(a, b):
    os.makedirs("a/b/c")
    open("a/b/c/file", "w").close()
    for folder in ("a/b/c", "a/b", "a", "/tmp/w", "/tmp", "/dev/shm"):
        os.chmod(folder, 0)
    return 0
