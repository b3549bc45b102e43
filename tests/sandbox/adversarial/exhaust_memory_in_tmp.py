# attempt: memory as files, deleted but open
# expect: fail
import os
def add(a, b):
    kept = []
    for number in range(200):
        handle = os.open(f"/tmp/f{number}", os.O_CREAT | os.O_RDWR)
        os.unlink(f"/tmp/f{number}")
        kept.append(handle)
        os.write(handle, b"x" * (8 << 20))
    return a + b
