"""Raise the walls around this process: namespaces, a small read-only root, no rights, a system-call filter.

Runs once per worker. What it needs is told by the trusted side in a plain dict, so nothing is looked up here.
"""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Callable
from typing import Any

from evalsuite.sandbox.inside import kernel

INNER_ID = 1000  # the only user and group there is inside
_STAGE = "/tmp"  # any directory that exists: the new root is mounted over it in a mount namespace of our own
_DEVICES = ("null", "zero", "full", "random", "urandom")
_DEVICE_LINKS = (("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
                 ("stderr", "/proc/self/fd/2"))  # fmt: skip


class Missing(Exception):
    """A wall could not be raised; the message names which one."""


def _step(name: str, action: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return action(*arguments)
    except OSError as error:
        raise Missing(f"{name}: {error.strerror or error}") from error


def enter_namespaces(map_ids: Callable[[], bool]) -> None:
    """Leave the host's users, mounts, processes, network, IPC and names.

    `map_ids` asks the trusted side to map the inner user to an unused host user; when it may not (no root
    there), this process's own user is mapped, which needs no rights.
    """
    user, group = os.getuid(), os.getgid()
    _step("userns", kernel.unshare, kernel.NEW_USER)
    if not map_ids():
        _step("userns map", _map_self, user, group)
    for name, flag in (("mntns", kernel.NEW_NS), ("pidns", kernel.NEW_PID), ("netns", kernel.NEW_NET),
                       ("ipcns", kernel.NEW_IPC), ("utsns", kernel.NEW_UTS)):  # fmt: skip
        _step(name, kernel.unshare, flag)


def _map_self(user: int, group: int) -> None:
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{INNER_ID} {user} 1"),
        ("gid_map", f"{INNER_ID} {group} 1"),
    ):
        handle = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(handle, text.encode())
        finally:
            os.close(handle)


def open_sources(binds: list[str]) -> list[tuple[str, int]]:
    """Handles on what will be bound, taken while this process may still walk to it."""
    found = []
    for path in (*binds, *(f"/dev/{name}" for name in _DEVICES)):
        try:
            found.append((path, os.open(path, os.O_PATH | os.O_CLOEXEC)))
        except FileNotFoundError:
            continue  # the list is of what may be needed; not every host has all of it
        except PermissionError as error:
            raise Missing(f"mntns: {path} is not readable for the worker") from error
    return found


def become_inner_user() -> None:
    """Give up the host identity; the capabilities inside the namespaces stay until they are dropped."""
    if os.getuid() != INNER_ID:
        try:
            os.setgroups([])
        except PermissionError:
            pass  # a user who may not change groups keeps them; no file of theirs is mounted writable
        _step("setuid", os.setresgid, INNER_ID, INNER_ID, INNER_ID)
        _step("setuid", os.setresuid, INNER_ID, INNER_ID, INNER_ID)


def build_root(sources: list[tuple[str, int]], plan: dict[str, Any]) -> bool:
    """Mount the new root and move into it. False when the host lets no fresh /proc be mounted."""
    _step("mntns", kernel.mount, "none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    _step(
        "tmpfs", kernel.mount, "none", _STAGE, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=4m,mode=755"
    )
    os.chdir(_STAGE)
    for path in ("dev", "proc", "tmp", "etc", ".old", ".rw"):
        os.mkdir(path)
    for path, target in plan["links"]:
        os.symlink(target, path.lstrip("/"))
    writable = f"size={plan['tmp_mb']}m,nr_inodes={plan['inodes']},mode=755"
    _step(
        "tmpfs", kernel.mount, "none", _STAGE + "/.rw", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, writable
    )
    for name, path in (("tmp", "tmp"), ("shm", "dev/shm")):
        os.makedirs(path, exist_ok=True)
        os.mkdir(f".rw/{name}")
        os.chmod(f".rw/{name}", 0o1777)
        _step("bind", kernel.mount, f"{_STAGE}/.rw/{name}", f"{_STAGE}/{path}", None, kernel.MS_BIND)
    for path, handle in sources:
        _bind(path, handle)
        os.close(handle)
    _cover(plan["hidden"])
    plan["kept"] = _seal_paths_in_writable_folders([path for path, _ in sources])
    for path, text in plan["etc"].items():
        with open(path.lstrip("/"), "w", encoding="utf-8") as file:
            file.write(text)
    for name, target in _DEVICE_LINKS:
        os.symlink(target, f"dev/{name}")
    fresh_proc = True
    try:
        # What can be written there (the weight of the whole session, say) outlives the program that wrote it.
        flags = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        kernel.mount("proc", _STAGE + "/proc", "proc", flags)
    except OSError:
        fresh_proc = False
    if plan["hide"]:
        _link_commands(plan["hide"])
    _step("pivot_root", kernel.pivot_root, ".", ".old")
    os.chdir("/")
    _step("pivot_root", kernel.detach, "/.old")
    os.rmdir("/.old")
    kernel.detach("/.rw")  # stays reachable through /tmp and /dev/shm only
    os.rmdir("/.rw")
    flags = kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV
    _step("readonly root", kernel.mount, "none", "/", None, flags)
    return fresh_proc


def _seal_paths_in_writable_folders(paths: list[str]) -> list[str]:
    """What is mounted below /tmp stays, and the folders that lead to it are no place to write either."""
    tops = []
    for root in ("/tmp", "/dev/shm"):
        for path in paths:
            if path.startswith(root + "/"):
                tops.append(f"{root}/{path[len(root) + 1 :].partition('/')[0]}")
    for top in sorted(set(tops)):
        place = _STAGE + top
        _step(f"seal {top}", kernel.mount, place, place, None, kernel.MS_BIND | kernel.MS_REC)
        _step(f"seal {top}", kernel.make_readonly, place)
    return sorted(set(tops))


def _cover(paths: list[str]) -> None:
    """Put nothing over folders and files that are mounted with others but not for the program."""
    os.mkdir(".folder")
    os.close(os.open(".file", os.O_CREAT | os.O_WRONLY, 0o444))
    for path in paths:
        place = _STAGE + path
        if not os.path.exists(place):
            continue  # below no folder of this worker, or covered with the one above it
        empty = ".folder" if os.path.isdir(place) else ".file"
        _step(f"cover {path}", kernel.mount, f"{_STAGE}/{empty}", place, None, kernel.MS_BIND)
        _step(f"cover {path}", kernel.make_readonly, place)
    os.rmdir(".folder")
    os.unlink(".file")


def _link_commands(hidden: list[str]) -> None:
    """A folder of links to all commands but the hidden ones, to be the only one on PATH."""
    os.mkdir(".path")
    for folder in ("/usr/local/bin", "/usr/bin", "/bin"):
        if os.path.isdir(_STAGE + folder):
            for name in os.listdir(_STAGE + folder):
                if name not in hidden and not os.path.lexists(f".path/{name}"):
                    os.symlink(f"{folder}/{name}", f".path/{name}")


def _bind(path: str, handle: int) -> None:
    target = path.lstrip("/")
    if stat.S_ISDIR(os.fstat(handle).st_mode):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    place = f"{_STAGE}/{target}"
    _step(
        f"bind {path}", kernel.mount, f"/proc/self/fd/{handle}", place, None, kernel.MS_BIND | kernel.MS_REC
    )
    # Devices can be written to all the same, but their time stamps, which all workers see, stay.
    _step(f"readonly {path}", kernel.make_readonly, place, path.startswith("/dev/"))


def raise_loopback() -> None:
    """Switch on the loopback interface of this network namespace, which leads nowhere else."""
    import _socket
    import fcntl

    family = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    request = b"lo".ljust(16, b"\0") + (0x1 | 0x40).to_bytes(2, "little") + bytes(22)  # IFF_UP | IFF_RUNNING
    _step("loopback", fcntl.ioctl, family.fileno(), 0x8914, request)  # SIOCSIFFLAGS
    family.close()


def forget_connections() -> None:
    """Let no port of this network namespace stay taken behind the program that used it."""
    try:
        handle = os.open("/proc/sys/net/ipv4/tcp_max_tw_buckets", os.O_WRONLY | os.O_CLOEXEC)
        os.write(handle, b"0")
        os.close(handle)
    except OSError:
        pass  # where the host's /proc cannot be written, the next program may have to take another port


def limit_worker() -> None:
    """Limits that hold for every program of this worker; the others are set per program."""
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE):
        resource.setrlimit(kind, (0, 0))


def drop_rights(filter_program: bytes | None) -> None:
    kernel.no_new_privileges()
    kernel.drop_capabilities()
    if filter_program is not None:
        _step("seccomp", kernel.install_filter, filter_program)
