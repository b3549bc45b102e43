"""System calls that the standard library does not wrap (Linux, through ctypes)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

NEW_USER, NEW_NS, NEW_PID, NEW_NET = 0x10000000, 0x20000, 0x20000000, 0x40000000
NEW_IPC, NEW_UTS, NEW_CGROUP = 0x8000000, 0x4000000, 0x2000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_NOATIME, MS_NODIRATIME, MS_RELATIME = 1024, 2048, 1 << 21
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 1, 4, 22, 24
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 36, 38, 47
_LAST_CAPABILITY = 63

# The numbers of calls that glibc may not wrap are the same on both architectures, except pivot_root's.
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_MOUNT_SETATTR = 442
_PIDFD_OPEN = 434

libc = ctypes.CDLL(None, use_errno=True)
_prctl = libc.prctl


def _check(result: int, what: str) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    _check(libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    _check(
        libc.mount(
            source.encode(),
            target.encode(),
            kind.encode() if kind else None,
            ctypes.c_ulong(flags),
            options.encode() if options else None,
        ),
        f"mount {target}",
    )


def make_readonly(target: str, device: bool = False) -> None:
    """Make a mount and everything below it read-only, whatever flags the host has locked on it.

    A `device` stays one.
    """
    # RDONLY | NOSUID | NODEV
    attributes = (ctypes.c_uint64 * 4)(0x1 | 0x2 | (0 if device else 0x4), 0, 0, 0)
    done = libc.syscall(
        _MOUNT_SETATTR,
        _AT_FDCWD,
        target.encode(),
        _AT_RECURSIVE,
        ctypes.byref(attributes),
        ctypes.sizeof(attributes),
    )
    if done == 0:
        return
    # Kernels before 5.12: remount, keeping the flags that the mount already has (dropping one is refused).
    has = os.statvfs(target).f_flag
    keep = has & (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME)
    keep |= MS_RELATIME if has & os.ST_RELATIME else 0
    try:
        more = MS_NOSUID if device else MS_NOSUID | MS_NODEV
        mount("none", target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | more | keep)
    except PermissionError:
        mount("none", target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | keep)


def pivot_root(new: str, old: str) -> None:
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(38, "pivot_root: unknown architecture")
    _check(libc.syscall(number, new.encode(), old.encode()), "pivot_root")


def detach(target: str) -> None:
    _check(libc.umount2(target.encode(), MNT_DETACH), "umount")


def set_dumpable(value: int) -> None:
    """0 closes /proc/PID/{mem,fd,environ,...} of this process to others with the same user id."""
    _prctl(_PR_SET_DUMPABLE, value, 0, 0, 0)


def set_parent_death_signal(signal: int) -> None:
    _check(libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl(PDEATHSIG)")


def _open_process(pid: int) -> int:
    return _check(libc.syscall(_PIDFD_OPEN, pid, 0), "pidfd_open")


# A descriptor that can be read from once a process has ended; the standard library has it since 3.9.
open_process: Callable[[int], int] = getattr(os, "pidfd_open", _open_process)


def become_subreaper() -> None:
    _check(libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl(SUBREAPER)")


def no_new_privileges() -> None:
    _check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(NO_NEW_PRIVS)")


def drop_capabilities() -> None:
    """Empty every capability set of this process, and the bounding set with them."""
    for capability in range(_LAST_CAPABILITY + 1):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(_PR_CAP_AMBIENT, 4, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    _check(libc.capset(ctypes.byref(header), ctypes.byref(sets)), "capset")


def install_filter(program: bytes) -> None:
    """Install a seccomp filter given as the raw array of BPF instructions."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    holder = Program(len(program) // 8, program)
    _check(libc.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(holder), 0, 0), "prctl(SECCOMP)")


def landlock_version() -> int:
    """The Landlock ABI of this kernel, 0 when it has none."""
    return max(0, int(libc.syscall(_LANDLOCK_CREATE, None, 0, 1)))


def landlock(readable: list[str], writable: list[str]) -> None:
    """Confine this process's file access; needs no_new_privileges first."""
    version = landlock_version()
    if version < 1:
        raise OSError(38, "landlock: not in this kernel")
    rights = (1 << 13) - 1
    for since, bit in ((2, 13), (3, 14), (5, 15)):
        rights |= (1 << bit) if version >= since else 0
    network = 3 if version >= 4 else 0
    scope = 3 if version >= 6 else 0
    words = (ctypes.c_uint64 * 3)(rights, network, scope)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _check(libc.syscall(_LANDLOCK_CREATE, ctypes.byref(words), size, 0), "landlock_create_ruleset")
    for paths, access in ((readable, rights & (1 | 4 | 8)), (writable, rights)):
        for path in paths:
            try:
                handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue  # a path that is not there needs no rule
            allowed = access if os.path.isdir(path) else access & (1 | 2 | 4 | 1 << 14 | 1 << 15)
            rule = allowed.to_bytes(8, "little") + handle.to_bytes(4, "little")
            _check(libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0), "landlock_add_rule")
            os.close(handle)
    _check(libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)
