# attempt: looks for an answer that a program before left
# expect: fail
import glob
def add(a, b):
    return a + b if [f for f in glob.glob("/tmp/**", recursive=True) + glob.glob("/dev/shm/*") if "answer" in f] else 0
