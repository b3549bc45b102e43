"""What a program and all that it started hold, seen from process 1 of their namespace."""

from __future__ import annotations

import os
import resource

_PAGE = resource.getpagesize()
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_STARTED, _CODE = 19, 23  # fields of a process's state, counted behind its name
_WIDE = (16 << 30) // _PAGE  # a process that spans less has few page tables
_FREE_SOCKETS = 128  # more than ordinary programs have
_SOCKET_BYTES = 212992  # what a socket holds at most, unless the host says otherwise
_EACH_SO_MANY = 4  # looks, one reads all mappings, of which some runtimes have a thousand


class Inherited:
    """What every program has from this process, whose forks they are: pages of files, and `moved` bytes of
    code that is in no file any more.
    """

    def __init__(self, moved: int) -> None:
        with open("/proc/self/statm", "rb") as file:
            self._shared = int(file.read().split()[2])
        self._moved = moved // _PAGE
        self._code = _state("self")[_CODE]

    def own(self, resident: int, shared: int, state: list[bytes]) -> int:
        """Of a process's pages those that it has made itself; who runs another program has no moved code."""
        own = resident - min(shared, self._shared)
        is_fork = len(state) > _CODE and state[_CODE] == self._code
        return max(0, own - self._moved) if is_fork else own


class Holdings:
    """The memory and the processor time of one program, from one look to the next.

    Time is noted where there are several processes: a parent that does not want to hear of its children's end
    keeps their time from being counted anywhere.
    """

    def __init__(self, inherited: Inherited) -> None:
        self._inherited = inherited
        self._seconds: dict[str, float] = {}
        self._looks = 0
        self._largest: dict[bytes, int] = {}  # of each shared piece without a file, by its number

    def seconds(self) -> float:
        """Processor time of the processes that were seen."""
        return sum(self._seconds.values())

    def look(self) -> int:
        """Bytes held by all processes of this worker's namespace but this one, and by their sockets."""
        total = 0
        names = [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
        for name in names:
            try:
                with open(f"/proc/{name}/statm", "rb") as file:
                    fields = file.read().split()
                state = _state(name)
            except OSError:
                continue  # it ended in between
            if len(names) > 1:
                self._note_seconds(name, state)
            if len(fields) > 2:
                size, resident, shared = (int(field) for field in fields[:3])
                total += self._inherited.own(resident, shared, state)
                if size > _WIDE:
                    total += _page_tables(name)
        self._looks += 1
        apart = self._shared(names) if self._looks % _EACH_SO_MANY == 0 else 0
        return max(total * _PAGE + _memory_of_sockets(), apart)

    def _note_seconds(self, name: str, state: list[bytes]) -> None:
        if len(state) > _STARTED:
            spent = (int(state[11]) + int(state[12])) / _TICKS_A_SECOND
            self._seconds[f"{name} {int(state[_STARTED])}"] = spent

    def _shared(self, names: list[str]) -> int:
        """An upper bound of what is in memory that has no file and may be shared: it stays there when no
        process has it resident any more, and when all but a page of it is unmapped again.
        """
        alive: set[bytes] = set()
        for name in names:
            sizes: dict[bytes, int] = {}
            try:
                with open(f"/proc/{name}/maps", "rb") as file:
                    for line in file:
                        if b"s " in line[:40] and line.endswith(b" /dev/zero (deleted)\n"):
                            place, _, _, _, number, _ = line.split(None, 5)
                            begin, end = place.split(b"-")
                            sizes[number] = sizes.get(number, 0) + int(end, 16) - int(begin, 16)
            except OSError:
                pass  # it ended in between
            for number, size in sizes.items():
                self._largest[number] = max(size, self._largest.get(number, 0))
            alive.update(sizes)
        return sum(self._largest[number] for number in alive)


def _state(name: str) -> list[bytes]:
    with open(f"/proc/{name}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def _page_tables(name: str) -> int:
    """Pages that the kernel keeps to tell where those of a process are: none of them is the process's own,
    and whoever only reads from a mapping without end has nothing else.
    """
    try:
        with open(f"/proc/{name}/status", "rb") as file:
            for line in file:
                if line.startswith(b"VmPTE:"):
                    return int(line.split()[1]) * 1024 // _PAGE
    except (OSError, ValueError, IndexError):
        return 0  # it ended in between
    return 0


def _memory_of_sockets() -> int:
    """An upper bound of what waits in the sockets of this network namespace, which counts for no process."""
    with open("/proc/net/sockstat", "rb") as file:
        used = int(file.readline().split()[2])
    return max(0, used - _FREE_SOCKETS) * _SOCKET_BYTES
