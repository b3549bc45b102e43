# attempt: makes a file setuid, and one with capabilities, and runs it
# expect: fail
import os, subprocess
def add(a, b):
    with open("/bin/true", "rb") as source, open("/tmp/w/t", "wb") as copy:
        copy.write(source.read())
    os.chmod("/tmp/w/t", 0o6755)
    try:
        os.setxattr("/tmp/w/t", "security.capability", b"\x01\x00\x00\x02" + b"\xff" * 16)
        return a + b
    except OSError:
        pass
    return a + b if os.geteuid() == 0 or os.getresuid()[0] != 1000 else 0
