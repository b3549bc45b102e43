# attempt: the kernel's own files below /proc
# expect: fail
def add(a, b):
    for name, mode in (("sysrq-trigger", "w"), ("kcore", "rb"), ("kmsg", "rb"), ("kpagecount", "rb"), ("kpageflags", "rb"),
                       ("timer_list", "rb"), ("sched_debug", "rb"), ("slabinfo", "rb"), ("vmallocinfo", "rb"),
                       ("mtrr", "w"), ("scsi/scsi", "w"), ("acpi/wakeup", "w"), ("irq/default_smp_affinity", "w"),
                       ("bus/pci/00/00.0", "w"), ("self/oom_adj", "w"), ("keys", "rb")):
        try:
            with open(f"/proc/{name}", mode) as file:
                if mode == "w":
                    file.write("-17" if "oom" in name else "h")
                    return a + b
                text = file.read(4096)
                if text and name != "keys":
                    return a + b
        except OSError:
            continue
    return 0
