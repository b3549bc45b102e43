"""Tasks as files: claimed by one rename, held by a heartbeat, taken over when the heart stops.

A queue is a folder with one subfolder for each state a task can be in. A task is one small file that moves
between them, so that each move is atomic on a shared file system and has exactly one winner:

    waiting/NAME.0      will become ready when the task that it rests on is done
    ready/NAME.N        may be claimed; N counted failures so far
    leased/NAME.N@OWNER held by a worker; its content is the worker's progress, its mtime the heartbeat
    broken/NAME.N       its worker failed or was lost; the content says why; comes back after a pause
    done/NAME           finished; the content says by whom and with how many rows
    failed/NAME         given up after too many failures; the content says why each time

Heartbeats are judged by whether they change while one watches, on the watcher's monotonic clock: neither two
clocks that disagree nor one that is set back can end a lease.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalsuite.store.files import read_json, write_json

STATES = ("waiting", "ready", "leased", "broken", "done", "failed")
LEASE_SECONDS = 30.0
BACKOFF_SECONDS = 1.0
BACKOFF_LIMIT = 60.0
STALE_MISSES = 16
"""So many candidates in one claim that others took first mean that the list of them is old: list again."""
MISSES_PER_ENTRY = 1 / 256
"""A long list is followed a little longer: to make a new one costs as much as some misses."""


@dataclass
class Lease:
    """One claimed task. Losing it is no disaster: rows already written stay valid and are merged by key."""

    queue: Queue
    name: str
    failures: int
    owner: str
    lost: bool = False

    @property
    def path(self) -> Path:
        """The file that stands for this claim."""
        return self.queue.folder("leased") / f"{self.name}.{self.failures}@{self.owner}"

    def beat(self, progress: Mapping[str, Any] = {}) -> bool:
        """Show that the holder lives; False when the lease was taken over meanwhile."""
        try:
            # Never creates the file: a holder that wakes up too late must not bring its claim back.
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self.lost = True
            return False
        try:
            data = json.dumps(dict(progress)).encode()
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))
            os.utime(descriptor)
        finally:
            os.close(descriptor)
        return True

    def done(self, summary: Mapping[str, Any]) -> bool:
        """Mark the task as finished; False when somebody else holds it by now."""
        return self._leave("done", self.name, summary)

    def give_back(self) -> bool:
        """Return the task unharmed, for another worker to claim."""
        return self._leave("ready", f"{self.name}.{self.failures}", None)

    def fail(self, reason: str, *, kind: str = "error", counted: bool = True) -> bool:
        """Report that this attempt failed; whoever watches the queue brings it back or gives it up."""
        return self.queue.break_lease(self.path, reason, kind=kind, counted=counted)

    def _leave(self, state: str, name: str, content: Mapping[str, Any] | None) -> bool:
        if content is not None and not self.beat(content):
            return False
        try:
            self.path.rename(self.queue.folder(state) / name)
        except FileNotFoundError:
            self.lost = True
            return False
        return True


@dataclass(frozen=True)
class Entry:
    """One task file as found in a folder of the queue."""

    name: str
    failures: int
    owner: str
    path: Path


class Queue:
    """The tasks of one kind of worker, as files under one folder of the run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders = {state: root / state for state in STATES}
        self._candidates: list[str] = []

    def folder(self, state: str) -> Path:
        """The subfolder of one state."""
        return self._folders[state]

    def create(self) -> None:
        """Make the subfolders; harmless when they are there."""
        for folder in self._folders.values():
            folder.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, *, waiting: bool = False) -> None:
        """Put a new task in; harmless when it is there already in that state."""
        folder = self.folder("waiting" if waiting else "ready")
        os.close(os.open(folder / f"{name}.0", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))

    def promote(self, name: str) -> None:
        """A waiting task becomes ready; harmless when it is not waiting (any more)."""
        _move(self.folder("waiting") / f"{name}.0", self.folder("ready") / f"{name}.0")

    # ------------------------------------------------------------------ claiming
    def claim(
        self,
        owner: str,
        rank: Callable[[str], float | None] = lambda name: 0.0,
        rng: random.Random | None = None,
    ) -> Lease | None:
        """Claim a ready task, or None when there is none for which `rank` gives a number.

        Higher ranks go first. The folder is listed once and walked; it is listed again only when the list is
        spent, since listing for every claim costs more than the work at thousands of tasks.
        """
        for fresh in (False, True):
            if fresh:
                self._list(rank, rng)
            misses, limit = 0, max(STALE_MISSES, len(self._candidates) * MISSES_PER_ENTRY)
            while self._candidates and (fresh or misses < limit):
                file = self._candidates.pop()
                name, failures = _split(file)
                if rank(name) is None:
                    continue
                lease = Lease(self, name, failures, owner)
                if _move(self.folder("ready") / file, lease.path) or lease.path.exists():
                    lease.beat()  # a rename keeps the old mtime: start this claim's heartbeat now
                    return lease
                misses += 1
        return None

    def _list(self, rank: Callable[[str], float | None], rng: random.Random | None) -> None:
        ranked = []
        for file in _listed(self.folder("ready")):
            value = rank(_split(file)[0])
            if value is not None:
                # Workers list at the same moment: a random order among equals keeps them apart.
                ranked.append((value, (rng or random).random(), file))
        ranked.sort()
        self._candidates = [name for _, _, name in ranked]

    # ------------------------------------------------------------------ looking
    def entries(self, state: str) -> Iterator[Entry]:
        """The tasks in one state."""
        folder = self.folder(state)
        for file in _listed(folder):
            if state in ("done", "failed"):
                yield Entry(file, 0, "", folder / file)
            else:
                base, _, owner = file.partition("@")
                name, failures = _split(base)
                yield Entry(name, failures, owner, folder / file)

    def names(self, state: str) -> set[str]:
        """The names of the tasks in one state."""
        return {entry.name for entry in self.entries(state)}

    def content(self, state: str, name: str) -> dict[str, Any]:
        """What the mark of a done or failed task says."""
        value = read_json(self.folder(state) / name, {})
        return value if isinstance(value, dict) else {}

    # ------------------------------------------------------------------ failing and coming back
    def break_lease(self, path: Path, reason: str, *, kind: str, counted: bool) -> bool:
        """End a lease because its attempt failed; the reason joins those of earlier attempts."""
        base, _, owner = path.name.partition("@")
        name, failures = _split(base)
        target = self.folder("broken") / f"{name}.{failures + (1 if counted else 0)}"
        if not _move(path, target):
            return False
        log = self.root / "reasons" / name
        row = {"reason": reason, "kind": kind, "owner": owner, "counted": counted}
        # The move above is what counts; on a full disk the words are lost and the task is not.
        with contextlib.suppress(OSError):
            log.parent.mkdir(exist_ok=True)
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        return True

    def reasons(self, name: str) -> list[dict[str, Any]]:
        """Why each failed attempt at a task failed, the oldest first."""
        try:
            lines = (self.root / "reasons" / name).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def give_up(self, entry: Entry) -> None:
        """A broken task failed too often: it stays failed, with its reasons, until the run is resumed."""
        if _move(entry.path, self.folder("failed") / entry.name):
            write_json(self.folder("failed") / entry.name, {"reasons": self.reasons(entry.name)})

    def fail_ready(self, reason: str, *, kind: str) -> None:
        """Give up every task that is ready: no worker of this queue can start at all."""
        for entry in list(self.entries("ready")):
            if _move(entry.path, self.folder("failed") / entry.name):
                content = {"reasons": [{"reason": reason, "kind": kind, "owner": "", "counted": True}]}
                write_json(self.folder("failed") / entry.name, content)

    def reopen(self, name: str, *, waiting: bool = False) -> None:
        """Make a done or failed task workable again (its counted failures start from zero)."""
        target = self.folder("waiting" if waiting else "ready") / f"{name}.0"
        for state in ("failed", "done"):
            if _move(self.folder(state) / name, target):
                (self.root / "reasons" / name).unlink(missing_ok=True)

    def withdraw(self, keep: Collection[str]) -> None:
        """Forget the open tasks that a new plan does not have any more."""
        for state in ("waiting", "ready", "broken"):
            for entry in list(self.entries(state)):
                if entry.name not in keep:
                    entry.path.unlink(missing_ok=True)


@dataclass
class Reaper:
    """Watches a queue: ends the leases of the dead, brings broken tasks back after a pause, gives up at last.

    Any number of reapers may watch one queue (driver, coordinator, idle workers): every move has one winner.
    """

    queue: Queue
    retry: int = 2
    lease_seconds: float = LEASE_SECONDS
    backoff: float = BACKOFF_SECONDS
    clock: Callable[[], float] = time.monotonic
    _swept: float | None = None
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)
    _broken: dict[str, float] = field(default_factory=dict)

    def sweep(self) -> list[str]:
        """One look at the queue; the owners whose hearts have stopped."""
        now = self.clock()
        if self._swept is not None and now - self._swept > self.lease_seconds / 2:
            # This watcher was away itself (suspended, or its file system was, and the workers' with it):
            # what nobody watched does not count as silence.
            away = now - self._swept
            self._seen = {file: (beat, first + away) for file, (beat, first) in self._seen.items()}
        self._swept = now
        silent = self._sweep_leases(now)
        self._sweep_broken(now)
        return silent

    def release(
        self, owners: Collection[str], reason: str, *, kind: str = "exit", counted: bool = True
    ) -> int:
        """End the leases of workers that are known to be dead, without waiting for their hearts."""
        ended = 0
        for entry in list(self.queue.entries("leased")):
            if any(entry.owner == owner or entry.owner.startswith(f"{owner}.") for owner in owners):
                ended += self.queue.break_lease(entry.path, reason, kind=kind, counted=counted)
        return ended

    def _sweep_leases(self, now: float) -> list[str]:
        current: dict[str, tuple[int, float]] = {}
        silent: list[str] = []
        for entry in list(self.queue.entries("leased")):
            try:
                beat = entry.path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
            known = self._seen.get(entry.path.name)
            current[entry.path.name] = known if known and known[0] == beat else (beat, now)
            if now - current[entry.path.name][1] > self.lease_seconds:
                reason = f"worker {entry.owner} gave no sign of life for {self.lease_seconds:g} s"
                if self.queue.break_lease(entry.path, reason, kind="lost", counted=True):
                    silent.append(entry.owner)
        self._seen = current
        return silent

    def _sweep_broken(self, now: float) -> None:
        current: dict[str, float] = {}
        for entry in list(self.queue.entries("broken")):
            if entry.failures > self.retry:
                self.queue.give_up(entry)
                continue
            first = self._broken.get(entry.path.name, now)
            pause = (
                0.0 if not entry.failures else min(BACKOFF_LIMIT, self.backoff * 2 ** (entry.failures - 1))
            )
            if now - first >= pause:
                _move(entry.path, self.queue.folder("ready") / entry.path.name)
            else:
                current[entry.path.name] = first
        self._broken = current


def seed_tasks(queue: Queue, ready: Sequence[str], waiting: Sequence[str] = ()) -> int:
    """Put the tasks of a plan into a queue, except those that it has in whatever state; how many it got."""
    queue.create()
    known = set().union(*(queue.names(state) for state in STATES))
    new = [(name, wait) for names, wait in ((ready, False), (waiting, True)) for name in names]
    new = [(name, wait) for name, wait in new if name not in known]
    for name, wait in new:
        queue.add(name, waiting=wait)
    return len(new)


def _listed(folder: Path) -> Iterator[str]:
    """The files in a folder of a queue; none where somebody took it away."""
    try:
        found = os.scandir(folder)
    except FileNotFoundError:
        return
    with found:
        for entry in found:
            yield entry.name


def _split(file: str) -> tuple[str, int]:
    name, _, failures = file.rpartition(".")
    return (name, int(failures)) if name and failures.isdigit() else (file, 0)


def _move(source: Path, target: Path) -> bool:
    try:
        source.rename(target)
    except FileNotFoundError:
        return False
    return True
