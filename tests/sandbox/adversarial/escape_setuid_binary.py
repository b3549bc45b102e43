# attempt: runs setuid helpers of the system
# expect: fail
import subprocess
def add(a, b):
    for command in (["su", "-c", "id -u"], ["mount", "-t", "tmpfs", "x", "/tmp"], ["su", "root", "-c", "true"]):
        try:
            done = subprocess.run(command, capture_output=True, timeout=0.3, stdin=subprocess.DEVNULL)
            if done.returncode == 0:
                return a + b
        except (OSError, subprocess.SubprocessError):
            pass
    return 0
