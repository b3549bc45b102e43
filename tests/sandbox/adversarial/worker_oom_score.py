# attempt: makes itself immune to the memory killer
# expect: fail
def add(a, b):
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")
    return a + b
