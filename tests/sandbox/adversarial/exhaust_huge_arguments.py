# attempt: programs with megabytes of arguments and environment, one within the other
# expect: fail|timeout|crash|oom
import os, subprocess
def add(a, b):
    environment = {str(number): "x" * 100_000 for number in range(60)}
    for _ in range(20):
        try:
            subprocess.run(["/bin/true", *["y" * 100_000] * 20], env=environment, timeout=1)
        except (OSError, subprocess.SubprocessError):
            pass
    return 0
