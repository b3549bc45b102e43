# attempt: short sleeps between short work, without end
# expect: timeout
import time
def add(a, b):
    while True:
        time.sleep(0.001)
