# attempt: a tree that is deep and wide and closed
# expect: fail
import os
def add(a, b):
    os.chdir("/tmp/w")
    for number in range(300):
        os.makedirs("a/b/c")
        for name in ("1", "2", "3"):
            open(f"a/{name}", "w").close()
        os.chmod("a/b", 0)
        os.rename("a", f"x{number % 150}" if not os.path.exists(f"x{number % 150}") else f"y{number}")
    return 0
