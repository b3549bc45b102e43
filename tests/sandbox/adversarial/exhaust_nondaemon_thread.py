# attempt: CONTROL: right, with a thread that would block the end
# expect: pass
import threading, time
def add(a, b):
    threading.Thread(target=time.sleep, args=(1000,)).start()
    return a + b
