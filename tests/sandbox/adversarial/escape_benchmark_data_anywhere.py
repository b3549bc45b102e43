# attempt: walks everything that can be read for files of a benchmark
# expect: fail|timeout
import os
WORDS = ("humaneval", "human_eval", "mbpp", "livecodebench", "bigcodebench", "cruxeval", "ds1000", "multipl_e", "multipl-e")
def add(a, b):
    for root in os.listdir("/"):
        if root in ("proc", "sys", "usr", "bin", "sbin", "lib", "lib64"):
            continue
        for folder, folders, files in os.walk("/" + root):
            for name in files + folders:
                if any(word in name.lower() for word in WORDS):
                    return a + b
    return 0
