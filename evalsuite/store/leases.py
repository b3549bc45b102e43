"""Tasks as files: claimed by one rename, held by their worker's heartbeat, taken over when the heart stops.

A queue is a folder with one subfolder for each state a task can be in. A task is one empty file that moves
between them, so that each move is atomic on a shared file system and has exactly one winner:

    waiting/NAME          will become ready when the task that it rests on is done
    ready/BATCH/ENTRY     may be claimed
    leased/ENTRY@OWNER    held by a worker
    broken/ENTRY          its worker failed or was lost; comes back after a pause
    done/OWNER-K/ENTRY    finished; the name says by whom and with how many rows
    failed/ENTRY          given up after too many failures
    reasons/NAME          why each failed attempt at a task failed
    workers/OWNER         a worker's heartbeat (its mtime) and how far the tasks are that it holds

Thousands of workers may pull from a queue of hundreds of thousands of tasks, so nobody lists what all others
write: ready tasks lie in batches of tasks of similar cost, finished ones in folders that stop changing.

Heartbeats are judged by whether they change while one watches, on the watcher's monotonic clock: neither two
clocks that disagree nor one that is set back can end a lease.
"""

# These run for each task of a run, and a Path costs more than the rename itself:
# ruff: noqa: PTH103, PTH106, PTH108, PTH110, PTH116
from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalsuite.store.entries import Entry, Outcome, listed, move
from evalsuite.store.files import read_json

STATES = ("waiting", "ready", "leased", "broken", "done", "failed")
LEASE_SECONDS = 30.0
BATCH = 128
"""So many tasks at most lie in one folder of ready or finished ones."""
PATIENCE = 2
"""So many candidates that others took first mean that the list of them is old."""
MIDDLE = 500
"""The rank of a task that costs one second; longer ones rank before it."""
FOR_ALL = "~all"
"""The reasons of tasks that were given up all at once; no task has this name."""


@dataclass
class Lease:
    """One claimed task. Losing it is no disaster: rows already written stay valid and are merged by key."""

    queue: Queue
    entry: Entry
    lost: bool = False

    @property
    def name(self) -> str:
        """The task's name."""
        return self.entry.name

    def done(self, outcome: Outcome) -> bool:
        """Mark the task as finished; False when somebody else holds it by now."""
        return self._leave(self.queue.finish(self.entry, outcome))

    def give_back(self) -> bool:
        """Return the task unharmed, for another worker to claim."""
        return self._leave(self.queue.give_back(self.entry))

    def fail(self, reason: str, *, kind: str = "error", counted: bool = True) -> bool:
        """Report that this attempt failed; whoever watches the queue brings it back or gives it up."""
        return self._leave(self.queue.break_lease(self.entry, reason, kind=kind, counted=counted))

    def _leave(self, left: bool) -> bool:
        self.lost = not left
        return left


class Queue:
    """The tasks of one kind of worker, as files under one folder of the run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._paths = {state: str(root / state) for state in (*STATES, "workers")}
        self._batches: list[str] = []
        self._batch = ""
        self._candidates: list[str] = []
        self._spread = 1
        self._finished = itertools.count()

    def folder(self, state: str) -> Path:
        """The subfolder of one state."""
        return self.root / state

    def create(self) -> None:
        """Make the subfolders; harmless when they are there."""
        for folder in self._paths.values():
            os.makedirs(folder, exist_ok=True)

    # ------------------------------------------------------------------ filling
    def add(self, entry: Entry) -> None:
        """Put a new task among the ready ones of its batch."""
        place = f"{self._paths['ready']}/{entry.batch}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        try:
            os.close(os.open(f"{place}/{entry.bare}", flags, 0o644))
        except FileNotFoundError:
            os.makedirs(place, exist_ok=True)
            os.close(os.open(f"{place}/{entry.bare}", flags, 0o644))

    def add_waiting(self, name: str) -> None:
        """Put in a new task that waits for another one."""
        os.close(os.open(f"{self._paths['waiting']}/{name}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))

    def promote(self, entry: Entry) -> bool:
        """A waiting task becomes ready; harmless when it is not waiting (any more)."""
        return move(f"{self._paths['waiting']}/{entry.name}", self._ready(entry))

    def _ready(self, entry: Entry) -> str:
        return f"{self._paths['ready']}/{entry.batch}/{entry.bare}"

    def _here(self, state: str, entry: Entry) -> str:
        return f"{self._paths[state]}/{entry.file}"

    # ------------------------------------------------------------------ claiming
    def claim(
        self,
        owner: str,
        kind: str,
        wanted: Callable[[str], bool] = lambda name: True,
        rng: random.Random | None = None,
    ) -> Lease | None:
        """Claim a ready task of a kind, the costly ones first, or None when there is none that is `wanted`.

        One batch is listed and walked. When others were faster, or it is spent, the next one follows; when
        the list of batches is old as well, that is read again. So a claim costs a rename, and rarely a short
        listing, however many tasks and workers there are.
        """
        for fresh in (False, True):
            if fresh:
                self._list_batches(kind, rng or random)
            misses = 0
            raced = False
            missed: set[str] = set()
            while self._candidates or self._batches:
                if misses > PATIENCE and not fresh:
                    break
                if not self._candidates:
                    self._list_batch(wanted, missed, rng or random)
                    misses += not self._candidates
                    raced = True
                    continue
                file = self._candidates.pop()
                entry = Entry.parse(file, self._batch)
                if entry is None:
                    continue
                lease = Lease(self, replace(entry, owner=owner))
                held = self._here("leased", lease.entry)
                # A network file system may repeat a request whose reply was lost: then the first one won.
                if move(f"{self._paths['ready']}/{self._batch}/{file}", held) or os.path.exists(held):
                    self._spread = max(1, self._spread // 2)
                    return lease
                misses += 1
                missed.add(file)
                if raced:  # the list was new: many claim at this moment, and part ways
                    self._spread = min(2 * self._spread, BATCH)
                if misses % PATIENCE == 0:
                    self._candidates.clear()
                    self._batches.append(self._batch)
        return None

    def _list_batches(self, kind: str, rng: Any) -> None:
        """All batches of a kind that have tasks, the costly ones last, equals in an order of one's own."""
        start = f"{kind}-"
        width = len(start) + 3
        found = [(name[:width], rng.random(), name) for name in listed(self._paths["ready"])]
        self._batches = [name for _, _, name in sorted(found, reverse=True) if name.startswith(start)]
        self._candidates = []

    def _list_batch(self, wanted: Callable[[str], bool], missed: Collection[str], rng: Any) -> None:
        """Take one of the costliest batches to walk; one that is empty is removed.

        A network file system may list for a while what is gone: what was `missed` is not tried again.
        """
        last = len(self._batches) - 1
        self._batch = self._batches.pop(last - rng.randrange(min(self._spread, last + 1)))
        place = f"{self._paths['ready']}/{self._batch}"
        files = list(listed(place))
        if not files:
            with contextlib.suppress(OSError):  # gone already, or a task has come back
                os.rmdir(place)
        left = (file for file in files if file not in missed) if missed else files
        self._candidates = [file for file in left if wanted(file.rsplit(".", 3)[0])]
        rng.shuffle(self._candidates)

    # ------------------------------------------------------------------ looking
    def _files(self, state: str) -> Iterator[tuple[str, Entry]]:
        place = self._paths[state]
        for item in listed(place):
            if state == "waiting":
                yield f"{place}/{item}", Entry(item)
                continue
            nested = state in ("ready", "done")
            inner = f"{place}/{item}" if nested else place
            for file in listed(inner) if nested else (item,):
                entry = Entry.parse(file, item if state == "ready" else "")
                if entry is not None:
                    yield f"{inner}/{file}", entry

    def entries(self, state: str) -> Iterator[Entry]:
        """The tasks in one state."""
        return (entry for _, entry in self._files(state))

    def names(self, state: str) -> set[str]:
        """The names of the tasks in one state."""
        return {entry.name for entry in self.entries(state)}

    def has(self, *states: str) -> bool:
        """Whether any task is in one of these states."""
        return any(any(True for _ in self.entries(state)) for state in states)

    def count(self, state: str, limit: int) -> int:
        """How many tasks are in a state; counting stops at a limit."""
        return sum(1 for _ in itertools.islice(self.entries(state), limit))

    # ------------------------------------------------------------------ hearts
    def beat(self, owner: str, progress: Mapping[str, Any] = {}) -> None:
        """Show that a worker lives, and how far the tasks are that it holds."""
        descriptor = os.open(
            f"{self._paths['workers']}/{owner}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644
        )
        try:
            data = json.dumps(dict(progress)).encode()
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))
        finally:
            os.close(descriptor)

    def last_beat(self, owner: str) -> int:
        """What changes with each beat of a worker's heart."""
        try:
            return os.stat(f"{self._paths['workers']}/{owner}").st_mtime_ns
        except FileNotFoundError:
            return 0

    def progress(self, owner: str) -> dict[str, Any]:
        """How far the tasks were at the last beat, by their names."""
        value = read_json(self.root / "workers" / owner, {})
        return value if isinstance(value, dict) else {}

    def forget(self, owner: str) -> None:
        """Remove a heartbeat that nobody waits for any more."""
        with contextlib.suppress(OSError):
            os.unlink(f"{self._paths['workers']}/{owner}")

    # ------------------------------------------------------------------ leaving a lease
    def finish(self, entry: Entry, outcome: Outcome) -> bool:
        """A leased task is done."""
        place = f"{self._paths['done']}/{entry.owner}-{next(self._finished) // BATCH}"
        return move(self._here("leased", entry), f"{place}/{replace(entry, batch='', outcome=outcome).file}")

    def give_back(self, entry: Entry) -> bool:
        """A leased task is ready again."""
        return move(self._here("leased", entry), self._ready(entry.again()))

    def break_lease(self, entry: Entry, reason: str, *, kind: str, counted: bool) -> bool:
        """End a lease because its attempt failed; the reason joins those of earlier attempts."""
        if not move(self._here("leased", entry), self._here("broken", entry.again(counted=counted))):
            return False
        self._note(entry.name, {"reason": reason, "kind": kind, "owner": entry.owner, "counted": counted})
        return True

    def _note(self, name: str, row: Mapping[str, Any]) -> None:
        log = self.root / "reasons" / name
        # The move before is what counts; on a full disk the words are lost and the task is not.
        with contextlib.suppress(OSError):
            log.parent.mkdir(exist_ok=True)
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def reasons(self, name: str) -> list[dict[str, Any]]:
        """Why each failed attempt at a task failed, the oldest first."""
        rows: list[dict[str, Any]] = []
        for place in (name, FOR_ALL):
            with contextlib.suppress(FileNotFoundError):
                lines = (self.root / "reasons" / place).read_text(encoding="utf-8").splitlines()
                rows += [json.loads(line) for line in lines if line.endswith("}")]
        return rows

    # ------------------------------------------------------------------ coming back, giving up
    def owners_failed_by(self, kind: str) -> set[str]:
        """The workers of which some attempt failed in this way."""
        names = list(listed(f"{self.root}/reasons"))
        return {row["owner"] for name in names for row in self.reasons(name) if row["kind"] == kind}

    def bring_back(self, entry: Entry) -> bool:
        """A broken task is ready again."""
        return move(self._here("broken", entry), self._ready(entry))

    def give_up(self, entry: Entry) -> bool:
        """A broken task failed too often: it stays failed, with its reasons, until the run is resumed."""
        return move(self._here("broken", entry), self._here("failed", entry))

    def fail_ready(self, reason: str, *, kind: str) -> None:
        """Give up every task that is ready: no worker of this queue can start at all."""
        self._note(FOR_ALL, {"reason": reason, "kind": kind, "owner": "", "counted": True})
        for entry in list(self.entries("ready")):
            move(self._ready(entry), self._here("failed", entry))

    def reopen(
        self, state: str, batch_of: Mapping[str, str], which: Callable[[Entry], bool] = lambda entry: True
    ) -> int:
        """Make failed or done tasks ready again, tell how many; their counted failures start from zero."""
        reopened = 0
        for path, entry in list(self._files(state)):
            if entry.name in batch_of and which(entry):
                fresh = replace(entry.again(), failures=0, batch=batch_of[entry.name])
                if move(path, self._ready(fresh)):
                    reopened += 1
                    (self.root / "reasons" / entry.name).unlink(missing_ok=True)
        if state == "failed":
            (self.root / "reasons" / FOR_ALL).unlink(missing_ok=True)
        return reopened

    def hold_back(self, names: Collection[str]) -> None:
        """These tasks wait again, since what they rest on is being redone; those that are held go on."""
        for state in ("ready", "broken", "done", "failed"):
            for path, entry in list(self._files(state)):
                if entry.name in names:
                    move(path, f"{self._paths['waiting']}/{entry.name}")

    def withdraw(self, keep: Collection[str]) -> None:
        """Forget the open tasks that a new plan does not have any more."""
        for state in ("waiting", "ready", "broken"):
            for path, entry in list(self._files(state)):
                if entry.name not in keep:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(path)


def batches(costs: Iterable[tuple[str, str, float]]) -> dict[str, str]:
    """The batch of each of these (name, kind, cost): kinds apart, similar costs together, at most BATCH."""
    counts: dict[str, int] = {}
    found: dict[str, str] = {}
    for name, kind, cost in costs:
        # Coarse steps: long tasks go first, and among equals it does not matter who takes which.
        step = math.floor(math.log2(max(cost, 1e-9)))
        group = f"{kind}-{min(999, max(0, MIDDLE - step)):03d}"
        number = counts[group] = counts.get(group, 0) + 1
        found[name] = f"{group}-{(number - 1) // BATCH}"
    return found


def seed_tasks(queue: Queue, ready: Iterable[Entry], waiting: Iterable[str] = ()) -> int:
    """Put the tasks of a plan into a queue, except those that it has in whatever state; how many it got."""
    queue.create()
    known = set().union(*(queue.names(state) for state in STATES))
    count = 0
    for entry in ready:
        if entry.name not in known:
            queue.add(entry)
            count += 1
    for name in waiting:
        if name not in known:
            queue.add_waiting(name)
            count += 1
    return count
