# attempt: writes kernel settings
# expect: fail
def add(a, b):
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/sys/net/ipv4/ip_forward"):
        try:
            with open(path, "w") as file:
                file.write("1")
            return a + b
        except OSError:
            pass
    return 0
