# attempt: looks for keys of the user
# expect: fail
import glob, os
def add(a, b):
    found = glob.glob("/root/.ssh/*") + glob.glob("/home/*/.ssh/*") + glob.glob(os.path.expanduser("~/.ssh/*"))
    return a + b if found else 0
