"""The system-call filter of a worker: what is named here is allowed, every other number is refused.

The program is built by the trusted side and handed in as bytes, so a worker carries neither tables nor
assembler.
"""

from __future__ import annotations

import struct

# Numbers 0..334 of the x86_64 table, in order, then 424 and up (the same on every architecture).
_LOW = """
read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask
rt_sigreturn ioctl pread64 pwrite64 readv writev access pipe select sched_yield mremap msync mincore madvise
shmget shmat shmctl dup dup2 pause nanosleep getitimer alarm setitimer getpid sendfile socket connect accept
sendto recvfrom sendmsg recvmsg shutdown bind listen getsockname getpeername socketpair setsockopt getsockopt
clone fork vfork execve exit wait4 kill uname semget semop semctl shmdt msgget msgsnd msgrcv msgctl fcntl
flock fsync fdatasync truncate ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat link unlink
symlink readlink chmod fchmod chown fchown lchown umask gettimeofday getrlimit getrusage sysinfo times ptrace
getuid syslog getgid setuid setgid geteuid getegid setpgid getppid getpgrp setsid setreuid setregid getgroups
setgroups setresuid getresuid setresgid getresgid getpgid setfsuid setfsgid getsid capget capset rt_sigpending
rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend sigaltstack utime mknod uselib personality ustat statfs fstatfs
sysfs getpriority setpriority sched_setparam sched_getparam sched_setscheduler sched_getscheduler
sched_get_priority_max sched_get_priority_min sched_rr_get_interval mlock munlock mlockall munlockall vhangup
modify_ldt pivot_root _sysctl prctl arch_prctl adjtimex setrlimit chroot sync acct settimeofday mount umount2
swapon swapoff reboot sethostname setdomainname iopl ioperm create_module init_module delete_module
get_kernel_syms query_module quotactl nfsservctl getpmsg putpmsg afs_syscall tuxcall security gettid readahead
setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr
lremovexattr fremovexattr tkill time futex sched_setaffinity sched_getaffinity set_thread_area io_setup
io_destroy io_getevents io_submit io_cancel get_thread_area lookup_dcookie epoll_create epoll_ctl_old
epoll_wait_old remap_file_pages getdents64 set_tid_address restart_syscall semtimedop fadvise64 timer_create
timer_settime timer_gettime timer_getoverrun timer_delete clock_settime clock_gettime clock_getres
clock_nanosleep exit_group epoll_wait epoll_ctl tgkill utimes vserver mbind set_mempolicy get_mempolicy
mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr kexec_load waitid add_key request_key
keyctl ioprio_set ioprio_get inotify_init inotify_add_watch inotify_rm_watch migrate_pages openat mkdirat
mknodat fchownat futimesat newfstatat unlinkat renameat linkat symlinkat readlinkat fchmodat faccessat
pselect6 ppoll unshare set_robust_list get_robust_list splice tee sync_file_range vmsplice move_pages
utimensat epoll_pwait signalfd timerfd_create eventfd fallocate timerfd_settime timerfd_gettime accept4
signalfd4 eventfd2 epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev rt_tgsigqueueinfo perf_event_open
recvmmsg fanotify_init fanotify_mark prlimit64 name_to_handle_at open_by_handle_at clock_adjtime syncfs
sendmmsg setns getcpu process_vm_readv process_vm_writev kcmp finit_module sched_setattr sched_getattr
renameat2 seccomp getrandom memfd_create kexec_file_load bpf execveat userfaultfd membarrier mlock2
copy_file_range preadv2 pwritev2 pkey_mprotect pkey_alloc pkey_free statx io_pgetevents rseq
"""
_HIGH = """
pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig fsmount
fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2 process_madvise epoll_pwait2 mount_setattr
quotactl_fd landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret process_mrelease
futex_waitv set_mempolicy_home_node cachestat fchmodat2
"""
NUMBERS: dict[str, int] = {name: number for number, name in enumerate(_LOW.split())}
NUMBERS.update({name: 424 + number for number, name in enumerate(_HIGH.split())})

# Refused with EPERM: they reach other processes, the kernel's inside, the machine's settings, or memory and
# names
# that outlive a sample. Refused with ENOSYS: callers know how to do without.
_REFUSED = """
ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise process_mrelease syslog uselib
ustat sysfs shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open
mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr add_key request_key keyctl vhangup modify_ldt
pivot_root _sysctl adjtimex clock_adjtime clock_settime settimeofday chroot acct mount umount2 swapon swapoff
reboot sethostname setdomainname iopl ioperm create_module init_module finit_module delete_module
get_kernel_syms query_module quotactl quotactl_fd nfsservctl getpmsg putpmsg afs_syscall tuxcall security
set_thread_area get_thread_area lookup_dcookie epoll_ctl_old epoll_wait_old remap_file_pages vserver mbind
set_mempolicy set_mempolicy_home_node migrate_pages move_pages kexec_load kexec_file_load unshare setns
perf_event_open fanotify_init fanotify_mark name_to_handle_at open_by_handle_at bpf userfaultfd open_tree
move_mount fsopen fsconfig fsmount fspick mount_setattr seccomp landlock_create_ruleset landlock_add_rule
landlock_restrict_self memfd_secret io_setup io_destroy io_getevents io_submit io_cancel io_pgetevents
execveat mlockall vmsplice setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr cachestat capset
""".split()  # noqa: SIM905
_ABSENT = ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_create", "futex_waitv")
# Done for the caller itself (argument 0, or 1 where the first names a kind). On another process it is
# refused,
# or only said to be done: runtimes that set the priority of their own threads by number would complain.
_SELF_ONLY = {
    "prlimit64": 0,
    "sched_setaffinity": 0,
    "sched_setattr": 0,
    "sched_setscheduler": 0,
    "sched_setparam": 0,
    "setpriority": 1,
    "ioprio_set": 1,
}
_OF_USER = {"setpriority": 2, "ioprio_set": 3}  # the kind that means all processes of the caller's user
# TIOCSTI and TIOCLINUX type into a terminal; FS_IOC_SETFLAGS (of both sizes) and FS_IOC_FSSETXATTR leave
# marks on the folders that stay.
_REFUSED_IOCTLS = (0x5412, 0x541C, 0x40086602, 0x40046602, 0x401C5820)
_PRETENDED = frozenset({"sched_setattr", "sched_setscheduler", "sched_setparam", "setpriority"})

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = _ERRNO | 1, _ERRNO | 38
_ARCHITECTURE = {"x86_64": 0xC000003E}
_CLONE_NAMESPACES = 0x7E020000
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10


def supported(machine: str) -> bool:
    return machine in _ARCHITECTURE


def program(machine: str = "x86_64", loopback: bool = False, own_processes: bool = False) -> bytes:
    """The filter as an array of BPF instructions.

    With `loopback`, IPv4 and IPv6 sockets are allowed too: in a network namespace of its own they reach
    only itself. With `own_processes`, limits and processors of all processes but number 1 may be set: in a
    namespace of their own they are the program's.
    """
    code: list[tuple[int, int, int, int]] = []

    def emit(op: int, value: int, yes: int = 0, no: int = 0) -> None:
        code.append((op, yes, no, value))

    def answer(value: int) -> None:
        emit(_RETURN, value)

    emit(_LOAD, 4)
    emit(_EQUAL, _ARCHITECTURE[machine], 1, 0)
    answer(_KILL)  # a 32-bit call (int 0x80) would be read with another table
    emit(_LOAD, 0)
    families = (_AF_UNIX, _AF_INET, _AF_INET6) if loopback else (_AF_UNIX,)
    for name in ("socket", "socketpair"):
        emit(_EQUAL, NUMBERS[name], 0, len(families) + 3)
        emit(_LOAD, 16)
        for at, family in enumerate(families):
            emit(_EQUAL, family, len(families) - at, 0)
        answer(_EPERM)
        answer(_ALLOW)
    emit(_EQUAL, NUMBERS["clone"], 0, 4)
    emit(_LOAD, 16)
    emit(_ANY_BIT, _CLONE_NAMESPACES, 0, 1)
    answer(_EPERM)
    answer(_ALLOW)
    emit(_EQUAL, NUMBERS["ioctl"], 0, len(_REFUSED_IOCTLS) + 3)
    emit(_LOAD, 24)
    for at, request in enumerate(_REFUSED_IOCTLS):
        emit(_EQUAL, request, len(_REFUSED_IOCTLS) - at, 0)
    answer(_ALLOW)
    answer(_EPERM)
    emit(_EQUAL, NUMBERS["personality"], 0, 5)
    emit(_LOAD, 16)
    emit(_EQUAL, 0, 1, 0)
    emit(_EQUAL, 0xFFFFFFFF, 0, 1)
    answer(_ALLOW)
    answer(_EPERM)
    for name in ("sched_setaffinity", "prlimit64") if own_processes else ():
        emit(_EQUAL, NUMBERS[name], 0, 4)
        emit(_LOAD, 16)
        emit(_EQUAL, 1, 0, 1)
        answer(_EPERM)
        answer(_ALLOW)
    for name, argument in _SELF_ONLY.items():
        everybody = _OF_USER.get(name)
        emit(_EQUAL, NUMBERS[name], 0, 4 if everybody is None else 6)
        if everybody is not None:
            emit(_LOAD, 16)
            emit(_EQUAL, everybody, 3, 0)
        emit(_LOAD, 16 + 8 * argument)
        emit(_EQUAL, 0, 0, 1)
        answer(_ALLOW)
        answer(_ERRNO if name in _PRETENDED else _EPERM)
    special = {"socket", "socketpair", "clone", "ioctl", "personality", *_SELF_ONLY}
    verdicts = {NUMBERS[name]: _ALLOW for name in NUMBERS if name not in special}
    verdicts.update({NUMBERS[name]: _EPERM for name in _REFUSED})
    verdicts.update({NUMBERS[name]: _ENOSYS for name in _ABSENT})
    for first, last, value in _runs(verdicts):
        emit(_AT_LEAST, first, 0, 2)
        emit(_AT_LEAST, last + 1, 1, 0)
        answer(value)
    answer(_ENOSYS)  # a number that this table does not know, the x32 range included
    return b"".join(struct.pack("=HBBI", op, yes, no, value) for op, yes, no, value in code)


def _runs(verdicts: dict[int, int]) -> list[tuple[int, int, int]]:
    """Neighbouring numbers with the same verdict as (first, last, verdict)."""
    runs: list[tuple[int, int, int]] = []
    for number, value in sorted(verdicts.items()):
        if runs and runs[-1][1] == number - 1 and runs[-1][2] == value:
            runs[-1] = (runs[-1][0], number, value)
        else:
            runs.append((number, number, value))
    return runs
