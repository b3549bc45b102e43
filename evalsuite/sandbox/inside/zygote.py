"""The process that waits behind the walls, warmed up, and forks once per program.

It is process 1 of its namespace: when it ends, everything it started ends. Between two programs it kills
every process, reaps them, and empties the writable directories; what it cannot restore it answers by ending
itself, and the trusted side starts another.
"""

from __future__ import annotations

import _socket
import gc
import marshal
import os
import resource
import select
import signal
import sys
from typing import Any

from evalsuite.sandbox.inside import child, holdings, huge_pages, kernel, rehearsal, walls

_TICK_MS = 50
_SPREADING_TICKS = 2  # a thread that is begun during the first one is met at the second
_FDS = _socket.CMSG_SPACE(4 * 4)


class _Inbox:
    """Where jobs arrive.

    Every program is a fork of this process and can search all of its memory: what one program was (it may
    have been the reference solution of a problem, or tests) must not be there for the next. So the bytes lie
    in one place, are unpacked in the fork only, and are gone before there is another: wiping them while the
    fork lives would copy their pages.
    """

    def __init__(self) -> None:
        self._small = bytearray(1 << 16)
        self._used = 0  # bytes of it
        self._large = self._small[:0]  # one that does not fit
        self.body = memoryview(self._large)

    def receive(self, channel: _socket.socket) -> tuple[dict[str, Any], list[int]]:
        """One job without what is packed, which is `body`, and the descriptors that came with it. The end of
        the stream ends this process.
        """
        store, have, start = self._small, 0, 0
        handles: list[int] = []
        while have < start + 9:
            room = memoryview(store)[have:]
            count, ancillary, _, _ = channel.recvmsg_into([room], _FDS, _socket.MSG_CMSG_CLOEXEC)
            if not count:
                os._exit(0)
            for level, kind, raw in ancillary:
                if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                    # Not a comprehension: the function that one makes is ten pages that no fork shares.
                    for at in range(0, len(raw) - 3, 4):
                        handles.append(int.from_bytes(raw[at : at + 4], sys.byteorder))
            have += count
            while start < have and store[start] in b"KT":
                start += 1  # a late "kill" for a program that had already ended
        body = start + 9 + int.from_bytes(store[start + 1 : start + 5], "little")
        end = body + int.from_bytes(store[start + 5 : start + 9], "little")
        if have < self._used:
            memoryview(store)[have : self._used] = bytes(self._used - have)
        if self._large:
            memoryview(self._large)[:] = bytes(len(self._large))
            self._large = self._small[:0]
        self._used = min(max(have, end), len(store))
        if end > len(store):
            self._large = store = bytearray(end)
            store[:have] = memoryview(self._small)[:have]
        while have < end:
            count = channel.recv_into(memoryview(store)[have:])
            if not count:
                os._exit(0)
            have += count
        self.body = memoryview(store)[body:end]
        job = marshal.loads(memoryview(store)[start + 9 : body])
        assert isinstance(job, dict)
        job["order"] = bytes(store[end:have][:1])  # told to end before it began, on a very busy machine
        return job, handles


def _send(channel: _socket.socket, *words: object) -> None:
    data = "\t".join(map(str, words)).encode()[:4000]
    channel.sendall(len(data).to_bytes(4, "little") + data)


class Cleaner:
    """Brings the worker back to how it was, or says that it cannot."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.home: str = plan["home"]
        self.roots: list[str] = plan["wipe"]
        self.own_namespace = os.getpid() == 1
        self.own_user: bool = plan["own_user"]
        self.kept = frozenset(plan.get("kept", ()))
        self.inodes = self._inodes()

    def _inodes(self) -> int:
        if not self.own_namespace:
            return -1  # a directory of the host's file system: its counts are not ours
        state = os.statvfs(self.roots[0])
        return state.f_files - state.f_ffree

    def kill_all(self) -> dict[int, int]:
        """No process but this one is left running; how those ended that were waited for meanwhile."""
        if self.own_namespace or self.own_user:
            try:
                os.kill(-1, 9)  # everybody this process may signal: the namespace, or the user id made for it
            except ProcessLookupError:
                pass  # nobody was left
            return {}
        ended: dict[int, int] = {}
        for _ in range(1000):
            children = _children()
            if not children:
                return ended
            for pid in children:
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass  # it ended by itself
            pid, status = os.waitpid(-1, 0)
            ended[pid] = status
        os._exit(71)

    def wipe(self) -> bool:
        """Empty the writable directories and restore their modes; False when that cannot be done."""
        home = self.home
        try:
            os.rmdir(home)
            clean = self._inodes() == self.inodes - 1 if self.own_namespace else False
        except OSError:
            clean = False
        if not clean:
            for root in self.roots:
                for _ in range(4):
                    if _empty(root, self.kept):
                        break
                else:
                    return False
        os.mkdir(home, 0o700)
        for root in self.roots:
            os.chmod(root, 0o1777)
            os.utime(root, (0, 0))  # a time stamp could carry a message to the next program
        return clean or not self.own_namespace or self._settled()

    def _settled(self) -> bool:
        """Whether no file is held any more. Those that lie in sockets which hold each other are let go by
        the kernel a moment after their processes ended.
        """
        nothing = select.poll()
        for _ in range(400):
            if self._inodes() == self.inodes:
                return True
            nothing.poll(5)
        return False


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def _empty(root: str, kept: frozenset[str]) -> bool:
    """Remove everything below a directory, undoing mode bits that stand in the way."""
    try:
        if os.stat(root).st_mode & 0o700 != 0o700:
            os.chmod(root, 0o1777)
        names = os.listdir(root)
    except OSError:
        return False
    done = True
    for name in names:
        path = f"{root}/{name}"
        if path in kept:
            continue
        try:
            os.unlink(path)
            continue
        except OSError:
            pass  # a directory, most likely
        try:
            os.chmod(path, 0o700)
            _remove_tree(path)
        except (OSError, RecursionError):
            done = False
    return done and all(f"{root}/{name}" in kept for name in os.listdir(root))


def _remove_tree(path: str) -> None:
    """Remove a directory tree of any depth: entries are moved up one level instead of recursing."""
    while True:
        names = os.listdir(path)
        if not names:
            os.rmdir(path)
            return
        for name in names:
            inner = f"{path}/{name}"
            try:
                os.unlink(inner)
                continue
            except OSError:
                pass  # a directory
            os.chmod(inner, 0o700)
            for deeper in os.listdir(inner):
                source = f"{inner}/{deeper}"
                try:
                    os.unlink(source)
                except OSError:
                    os.chmod(source, 0o700)
                    os.rename(source, f"{path}/.{os.urandom(8).hex()}")
            os.rmdir(inner)


def _waiting_share(pid: int) -> float:
    """Seconds that a process stood ready without getting a processor, or -1 where the kernel does not say."""
    try:
        with open(f"/proc/{pid}/schedstat", "rb") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return -1.0


def _serve(channel: _socket.socket, inbox: _Inbox, plan: dict[str, Any]) -> None:
    cleaner = Cleaner(plan)
    control = channel.fileno()
    can_see = cleaner.own_namespace and "proc" in plan["layers"]
    inherited = holdings.Inherited(plan["moved"]) if can_see else None
    _send(channel, "ready", ",".join(plan["layers"]))
    child.prepare(plan)
    rehearsal.rehearse()
    gc.collect()
    rehearsal.fill_gaps()
    gc.freeze()  # last: whatever a child's collector still looks after, it copies
    gc.disable()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = usage.ru_utime + usage.ru_stime
    poll = select.poll()
    poll.register(control, select.POLLIN)
    dirty = False  # a compiled program waits for the job that runs it
    while True:
        job, handles = inbox.receive(channel)
        job["stays"] = can_see and bool(plan["processors"]) and job.get("stays")
        if dirty and not job.get("continues"):
            if not cleaner.wipe():
                os._exit(70)
            dirty = False
        try:
            pid = os.fork()
        except OSError as error:
            for handle in handles:
                os.close(handle)
            _send(channel, "fork", error.errno)
            continue
        if pid == 0:
            child.run(job, inbox.body, handles, control)
        for handle in handles:
            os.close(handle)
        held = holdings.Holdings(inherited) if inherited else None
        room = plan["processors"] if job["stays"] else []
        why, waited = _watch(channel, poll, pid, job, held, room)
        ended = cleaner.kill_all()
        while True:
            try:
                number, status = os.waitpid(-1, 0)
            except ChildProcessError:
                break
            ended[number] = status
        status, extra = ended.pop(pid), len(ended)
        dirty = bool(job.get("keep"))
        clean = dirty or cleaner.wipe()
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        total = usage.ru_utime + usage.ru_stime
        _send(channel, status, why, extra, max(total - spent, held.seconds() if held else 0.0), waited)
        if not clean:
            os._exit(70)  # after the verdict: who breaks the worker shall not be excused by it
        spent = total


def _spread(processors: list[int]) -> None:
    """Let all threads of all processes of the program go where there is room."""
    for pid in os.listdir("/proc"):
        if not pid.isdigit() or pid == "1":
            continue
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(task), processors)
        except OSError:
            pass  # it ended in between


def _reap_orphans(pid: int) -> None:
    """Wait for what the program left behind and has ended: until then it counts among its processes."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid == pid:
            return  # the program itself is waited for at its end
        os.waitpid(ended.si_pid, 0)


def _watch(
    channel: _socket.socket,
    poll: select.poll,
    pid: int,
    job: dict[str, Any],
    held: holdings.Holdings | None,
    room: list[int],
) -> tuple[str, float]:
    """Wait until the program ends, is told to end, or holds too much memory: (why, seconds without
    processor). `poll` looks at the channel; `room` are the processors for one that is not done soon.
    """
    if job["order"]:
        return ("late" if job["order"] == b"T" else "told"), -1.0
    if job["until"] == "exit":
        watched = kernel.open_process(pid)
        poll.register(watched, select.POLLIN)
    else:
        watched = -1
    limit = job["memory"]
    spreading = _SPREADING_TICKS if room else 0
    try:
        while True:
            events = poll.poll(None if held is None else _TICK_MS)
            if not events and held is not None:
                if held.look() > limit:
                    return "memory", -1.0
                if spreading:
                    spreading -= 1
                    _spread(room)
                _reap_orphans(pid)
                continue
            if len(events) > 1 or events[0][0] != watched:
                order = channel.recv(1)
                if not order:
                    os._exit(0)
                return ("late", _waiting_share(pid)) if order == b"T" else ("told", -1.0)
            return "exit", -1.0
    finally:
        if watched >= 0:
            poll.unregister(watched)
            os.close(watched)


def main(number: int) -> None:
    """Raise the walls that the trusted side asks for, then serve until it hangs up."""
    channel = _socket.socket(fileno=number)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # process 1 ignores from inside what it has no handler for
    inbox = _Inbox()
    plan, _ = inbox.receive(channel)
    sys.path[:] = plan["path"]
    for name in plan["preload"]:
        try:
            __import__(name)
        except ImportError:
            continue  # the program that needs it will say so
    plan["moved"] = 0 if plan.get("probe") else huge_pages.move_code() * huge_pages.SIZE
    try:
        _raise_walls(channel, plan)
    except (walls.Missing, OSError) as error:
        _send(channel, "missing", error)
        os._exit(0)
    if plan.get("probe"):
        _send(channel, "ready", ",".join(plan["layers"]))
        os._exit(0)
    null = os.open("/dev/null", os.O_RDWR)
    for handle in (0, 1, 2):
        os.dup2(null, handle)
    os.close(null)
    _serve(channel, inbox, plan)


def _stay(plan: dict[str, Any]) -> None:
    """Keep to one processor, if any is named; the programs may use all of the plan's.

    A fork begins where its parent is. What the two write to is warm there, and nobody has to be woken
    elsewhere. A program that runs long goes where there is room, as any other.
    """
    one, every = plan["processor"], plan["processors"]
    try:
        os.sched_setaffinity(0, every if one is None else (one,))
    except (OSError, AttributeError):  # not this system's way, or not for us to decide
        plan["processors"] = []


def _raise_walls(channel: _socket.socket, plan: dict[str, Any]) -> None:
    level = plan["level"]
    layers = plan["layers"] = []
    _stay(plan)
    if level == "strong":

        def map_ids() -> bool:
            if not plan["ask_map"]:
                return False
            _send(channel, "map")
            if channel.recv(1) != b"y":
                return False
            layers.append("own user id")
            return True

        walls.enter_namespaces(map_ids)
        sources = walls.open_sources(plan["binds"])
        walls.become_inner_user()
        pid = os.fork()
        if pid:
            channel.close()
            status = os.waitpid(pid, 0)[1]
            os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
        if plan["loopback"]:
            walls.forget_connections()
        layers += ["user", "mount", "pid", "network", "ipc", "uts namespaces", "read-only root"]
        if walls.build_root(sources, plan):
            layers.append("proc")
        if plan["loopback"]:
            walls.raise_loopback()
    elif plan["own_user"]:
        os.setgroups([])
        os.setresgid(plan["host_id"], plan["host_id"], plan["host_id"])
        os.setresuid(plan["host_id"], plan["host_id"], plan["host_id"])
        layers.append("own user id")
    if level != "strong":
        kernel.become_subreaper()
    walls.limit_worker()
    layers.append("rlimits")
    os.umask(0o022)
    os.mkdir(plan["home"], 0o700)
    if level == "medium":
        kernel.no_new_privileges()
        kernel.landlock(plan["readable"], plan["writable"])
        layers.append("landlock")
    if level != "weak":
        walls.drop_rights(plan["filter"])
        kernel.set_dumpable(0)
        layers += ["no capabilities", "seccomp"]
    if level == "strong":
        kernel.set_parent_death_signal(9)  # the process between the namespaces ends: so does this one
