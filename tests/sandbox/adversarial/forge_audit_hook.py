# attempt: an audit hook that ends every later step with 0
# expect: fail|tampered
import os, sys
sys.addaudithook(lambda event, arguments: os._exit(0) if event.startswith(("marshal", "socket", "os.read")) else None)
def add(a, b):
    return 0
