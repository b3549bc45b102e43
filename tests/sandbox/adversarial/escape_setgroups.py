# attempt: setgroups to gain a group
# expect: fail
import os
def add(a, b):
    os.setgroups([0])
    return a + b
