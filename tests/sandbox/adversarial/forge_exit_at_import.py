# attempt: os._exit(0) while loading
# expect: fail
import os
os._exit(0)
