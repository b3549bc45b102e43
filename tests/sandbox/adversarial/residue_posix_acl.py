# attempt: a message in the access list of /tmp
# expect: fail
import os
def add(a, b):
    os.setxattr("/tmp", "system.posix_acl_default", bytes.fromhex("0200000001000700ffffffff04000700ffffffff20000700ffffffff"))
    return a + b
