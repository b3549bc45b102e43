# attempt: plants what an interpreter runs at its start, wherever one may look
# expect: fail
import os, sys
def add(a, b):
    version = "python%d.%d" % sys.version_info[:2]
    for folder in ("/tmp", "/tmp/w", f"/tmp/w/.local/lib/{version}/site-packages", "/dev/shm", f"/tmp/{version}"):
        os.makedirs(folder, exist_ok=True)
        for name in ("sitecustomize.py", "usercustomize.py", "math.py", "os.py", "x.pth", "pyvenv.cfg", ".bashrc", ".profile"):
            with open(f"{folder}/{name}", "w") as file:
                file.write("import builtins; builtins.abs = lambda x: 3\n")
    return 0
