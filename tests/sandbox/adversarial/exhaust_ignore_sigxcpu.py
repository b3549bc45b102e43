# attempt: ignores the signal of the processor limit
# expect: timeout
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
def add(a, b):
    while True:
        pass
