"""How far a run is, read from its folder alone: what the live board, plain lines and `status` show."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalsuite.plan import EVAL_QUEUE, Pair, Plan
from evalsuite.store.files import read_json
from evalsuite.store.folder import RunFolder
from evalsuite.store.leases import Entry, Queue

OPEN_STATES = ("waiting", "ready", "leased", "broken")


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
    """How many tasks of a queue are in which state, and who holds them."""

    counts: dict[str, int] = field(default_factory=dict)
    owners: list[str] = field(default_factory=list)

    @property
    def open(self) -> int:
        """Tasks that are not over."""
        return sum(self.counts.get(state, 0) for state in OPEN_STATES)


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


class Watcher:
    """Takes snapshots; the marks of finished tasks are read once and remembered."""

    def __init__(self, folder: RunFolder, plan: Plan) -> None:
        self._plan = plan
        self._queues = {model.queue: folder.queue(model.queue) for model in plan.models}
        self._queues[EVAL_QUEUE] = folder.queue(EVAL_QUEUE)
        self._pairs: dict[tuple[str, str], Pair] = {}
        for pair in plan.pairs:
            for stage in ("infer", "eval"):
                for task in pair.tasks("infer" if stage == "infer" else "eval"):
                    self._pairs[task.queue, task.name] = pair
        self._marks: dict[tuple[str, str], dict[str, Any]] = {}

    def look(self) -> Snapshot:
        """The state of the run now."""
        repeats = {dataset.abbr: dataset.repeats for dataset in self._plan.datasets}
        lines = {
            (pair.model, pair.dataset): Line(
                pair.model,
                pair.dataset,
                sum(stop - start for start, stop in pair.slices) * repeats[pair.dataset],
            )
            for pair in self._plan.pairs
        }
        states: dict[str, QueueState] = {}
        for name, queue in self._queues.items():
            state = states[name] = QueueState()
            if not queue.root.is_dir():
                continue
            for entry, kind in _entries(queue):
                pair = self._pairs.get((name, entry.name))
                if pair is None:
                    continue
                state.counts[kind] = state.counts.get(kind, 0) + 1
                if kind == "leased":
                    state.owners.append(entry.owner)
                self._count(lines[pair.model, pair.dataset], name, entry, kind)
        return Snapshot(list(lines.values()), states, time.monotonic())

    def _count(self, line: Line, queue: str, entry: Entry, kind: str) -> None:
        if kind == "failed":
            line.lost_tasks += 1
        if kind not in ("done", "leased"):
            return
        mark = self._marks.get((queue, entry.name)) if kind == "done" else None
        if mark is None:
            mark = read_json(entry.path, {})
            if kind == "done" and mark:
                self._marks[queue, entry.name] = mark
        if queue == EVAL_QUEUE:
            line.scored += int(mark.get("rows", mark.get("done", 0)))
        else:
            line.answered += int(mark.get("rows", mark.get("done", 0)))
            line.failed += int(mark.get("failed", 0))
            line.reused += int(mark.get("reused", 0))


def _entries(queue: Queue) -> list[tuple[Entry, str]]:
    return [(entry, state) for state in (*OPEN_STATES, "done", "failed") for entry in queue.entries(state)]
