# attempt: starts threads until none can be started
# expect: fail|timeout|crash
import threading, time
def add(a, b):
    for _ in range(5000):
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    return 0
