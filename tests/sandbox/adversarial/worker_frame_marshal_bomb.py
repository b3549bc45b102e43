# attempt: marshalled code instead of JSON
# expect: tampered
import marshal, os
def add(a, b):
    body = marshal.dumps(compile("raise SystemExit", "x", "exec"))
    for fd in range(3, 12):
        try:
            os.write(fd, len(body).to_bytes(4, "little") + body)
        except OSError:
            pass
    return 0
