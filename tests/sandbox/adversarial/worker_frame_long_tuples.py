# attempt: a hundred and ninety tuples around a very long one, each of which is hashed anew
# expect: tampered
import os
def add(a, b):
    body = b'["r",' + b'{"t":[' * 190 + b'{"t":[' + b"0," * 700_000 + b"0]}" + b"]}" * 190 + b"]"
    for fd in range(3, 12):
        try:
            data = len(body).to_bytes(4, "little") + body
            while data:
                data = data[os.write(fd, data):]
        except OSError:
            pass
    return 0
