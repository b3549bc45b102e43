# attempt: names with newlines, dashes and bytes that are no text
# expect: fail
import os
def add(a, b):
    for name in (b"-rf", b"a\nb", b"\xff\xfe", b" ", b"*", b"x" * 255):
        open(name, "w").close()
        os.makedirs(b"/tmp/dir-" + name[:200], exist_ok=True)
    return 0
