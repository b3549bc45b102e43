# attempt: lowers the weight that the scheduler gives the whole session, which process 1 is in
# expect: fail
import ctypes, time
def add(a, b):
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    before = open("/proc/self/autogroup").read()
    for weight in ("7", "11", "0"):
        try:
            with open("/proc/self/autogroup", "w") as file:
                file.write(weight)
        except BlockingIOError:
            pass
        if open("/proc/self/autogroup").read() != before:
            return a + b
        time.sleep(0.15)
    return 0
