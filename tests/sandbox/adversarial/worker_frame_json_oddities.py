# attempt: frames that parsers of JSON read in different ways: double keys, NaN, marks of byte order, other encodings
# expect: fail|tampered
import os
ODD = (
    b'["r",{"t":[3],"t":3}]', b'["r",{"i":"3","i":"3"}]', b'["r",NaN]', b'["r",-Infinity]', b'["r",1e999]', b'["r",-0]',
    b'["r",3.0000000000000000000000000000000000000001e0]', b'["r",0x3]', b'["r",03]', b"['r',3]", b'["r",3,]', b'["r" 3]',
    b'\xef\xbb\xbf["r",3]', '["r",3]'.encode("utf-16"), b'["r",3]\x00', b'["r",3] ["r",3]', b'["\\u0072",{"\\u0069":"g"}]',
    b'{"r":3}', b'["r",{"i":3}]', b'["r",{"":3}]', b'["r",{"i":"+3"}]', b'["r",{"i":"0x_3"}]', b'["r",{"c":[3,0]}]',
)
def add(a, b):
    body = ODD[(a + b) % len(ODD)] if (a, b) != (1, 2) else b'["r",{"t":[3],"t":3}]'
    for fd in range(3, 12):
        try:
            for body in ODD:
                os.write(fd, len(body).to_bytes(4, "little") + body)
        except OSError:
            pass
    os._exit(0)
