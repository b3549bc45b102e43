# attempt: tags nested to the limit, in every kind
# expect: fail|tampered
import os
text = ('["r",' + '{"t":[' * 900 + "1" + "]}" * 900 + "]").encode()
def add(a, b):
    for fd in range(3, 64):
        try:
            os.write(fd, len(text).to_bytes(4, "little") + text)
        except OSError:
            pass
    return 0
