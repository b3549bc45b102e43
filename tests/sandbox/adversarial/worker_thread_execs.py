# attempt: a thread replaces the whole process while the first one answers
# expect: fail|tampered|timeout|crash
import os, threading
def add(a, b):
    threading.Thread(target=os.execv, args=("/bin/sleep", ["sleep", "60"])).start()
    return [0] * 100_000
