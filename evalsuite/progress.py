"""How far a run is, read from its folder alone: what the live board, plain lines and `status` show."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from evalsuite.plan import EVAL_QUEUE, Plan, TaskFinder
from evalsuite.store.entries import Entry, listed
from evalsuite.store.folder import RunFolder
from evalsuite.store.leases import Queue
from evalsuite.types import Stage

OPEN_STATES = ("waiting", "ready", "leased", "broken")
Place = tuple[str, str]


@dataclass
class Line:
    """How far one (model x dataset) is: answers, scores, failures."""

    model: str
    dataset: str
    total: int
    answered: int = 0
    failed: int = 0
    scored: int = 0
    reused: int = 0
    lost_tasks: int = 0


@dataclass
class QueueState:
    """Who holds tasks of a queue."""

    owners: list[str] = field(default_factory=list)


@dataclass
class Snapshot:
    """One look at a run."""

    lines: list[Line]
    queues: Mapping[str, QueueState]
    at: float

    @property
    def answered(self) -> int:
        """Answers on disk, over all models and datasets."""
        return sum(line.answered for line in self.lines)

    @property
    def scored(self) -> int:
        """Scores on disk, over all models and datasets."""
        return sum(line.scored for line in self.lines)

    @property
    def total(self) -> int:
        """Answers that are wanted."""
        return sum(line.total for line in self.lines)


@dataclass
class _Sum:
    """What some finished tasks of a (model x dataset) left."""

    rows: int = 0
    failed: int = 0
    reused: int = 0


@dataclass
class _Finished:
    """The sums over one folder of finished tasks, and whether it was seen twice as it is now."""

    changed: int
    steady: bool
    sums: dict[Place, _Sum]


class Watcher:
    """Takes snapshots; of the finished tasks, only folders that changed are listed again."""

    def __init__(self, folder: RunFolder, plan: Plan) -> None:
        self._plan = plan
        self._queues: dict[str, tuple[Queue, TaskFinder]] = {}
        for model in plan.models:
            self._add(folder, model.queue, "infer", model.abbr)
        self._add(folder, EVAL_QUEUE, "eval")
        self._finished: dict[str, _Finished] = {}

    def _add(self, folder: RunFolder, name: str, stage: Stage, model: str = "") -> None:
        pairs = [pair for pair in self._plan.pairs if pair.model == model or not model]
        self._queues[name] = (folder.queue(name), TaskFinder(pairs, stage))

    def look(self) -> Snapshot:
        """The state of the run now."""
        repeats = {dataset.abbr: dataset.repeats for dataset in self._plan.datasets}
        lines = {
            (pair.model, pair.dataset): Line(
                pair.model,
                pair.dataset,
                (pair.slices[-1][1] if pair.slices else 0) * repeats[pair.dataset],
            )
            for pair in self._plan.pairs
        }
        states: dict[str, QueueState] = {}
        for name, (queue, tasks) in self._queues.items():
            for place, finished in self._sums(queue, tasks):
                _count(lines[place], name, finished)
            owners = self._count_held(lines, name, queue, tasks)
            states[name] = QueueState(owners)
            for entry in queue.entries("failed"):
                if found := _place(tasks, entry):
                    lines[found].lost_tasks += 1
        return Snapshot(list(lines.values()), states, time.monotonic())

    def _sums(self, queue: Queue, tasks: TaskFinder) -> list[tuple[Place, _Sum]]:
        """What the finished tasks of a queue left, by folder and (model x dataset)."""
        found: list[tuple[Place, _Sum]] = []
        for name in listed(str(queue.folder("done"))):
            path = queue.folder("done") / name
            try:
                changed = path.stat().st_mtime_ns
            except FileNotFoundError:  # somebody took it away
                continue
            known = self._finished.get(str(path))
            # Times are coarse: a folder is believed to be as it was only when it was read after it changed.
            if known is None or not known.steady or known.changed != changed:
                steady = known is not None and known.changed == changed
                known = self._finished[str(path)] = _Finished(changed, steady, _summed(str(path), tasks))
            found += known.sums.items()
        return found

    def _count_held(
        self, lines: Mapping[Place, Line], name: str, queue: Queue, tasks: TaskFinder
    ) -> list[str]:
        held: dict[str, list[Entry]] = {}
        for entry in queue.entries("leased"):
            held.setdefault(entry.owner, []).append(entry)
        for owner, entries in held.items():
            progress = queue.progress(owner)
            for entry in entries:
                mark = progress.get(entry.name)
                place = _place(tasks, entry)
                if mark and place:
                    _count(lines[place], name, _Sum(int(mark.get("done", 0)), int(mark.get("failed", 0))))
        return list(held)


def _summed(folder: str, tasks: TaskFinder) -> dict[Place, _Sum]:
    sums: dict[Place, _Sum] = {}
    for file in listed(folder):
        entry = Entry.parse(file)
        place = _place(tasks, entry) if entry else None
        if entry and entry.outcome and place:
            total = sums.setdefault(place, _Sum())
            total.rows += entry.outcome.rows
            total.failed += entry.outcome.failed
            total.reused += entry.outcome.reused
    return sums


def _place(tasks: TaskFinder, entry: Entry) -> Place | None:
    found = tasks.find(entry.name)
    return (found[0].model, found[0].dataset) if found else None


def _count(line: Line, queue: str, finished: _Sum) -> None:
    if queue == EVAL_QUEUE:
        line.scored += finished.rows
    else:
        line.answered += finished.rows
        line.failed += finished.failed
        line.reused += finished.reused
