# attempt: allocates until it fails, while loading
# expect: oom|timeout
kept = []
while True:
    kept.append(bytearray(1 << 24))
