# attempt: hard links to files of others, and renames across mounts
# expect: fail
import os
def add(a, b):
    for source in ("/etc/passwd", "/usr/bin/env", "/proc/1/environ", "/dev/null"):
        for place in ("/tmp/w/link", "/dev/shm/link"):
            for step in (os.link, os.rename):
                try:
                    step(source, place)
                    return a + b
                except OSError:
                    continue
    return 0
