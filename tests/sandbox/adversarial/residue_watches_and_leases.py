# attempt: leases, watches and locks on the folders that stay, held by children that ignore everything
# expect: fail
import fcntl, os, signal, time
def add(a, b):
    for _ in range(8):
        if os.fork() == 0:
            for number in range(1, 32):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            for folder in ("/tmp", "/dev/shm", "/usr/lib"):
                handle = os.open(folder, os.O_RDONLY)
                for action in (
                    lambda: fcntl.fcntl(handle, fcntl.F_NOTIFY, fcntl.DN_CREATE | fcntl.DN_DELETE | fcntl.DN_MULTISHOT),
                    lambda: fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB),
                    lambda: fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK),
                ):
                    try:
                        action()
                    except OSError:
                        pass
            time.sleep(60)
    time.sleep(0.05)
    return 0
