"""From the rows of a run to its results: metrics with their doubt, counts, and why anything is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from evalsuite.plan import EVAL_QUEUE, Pair, Plan
from evalsuite.report.causes import Causes
from evalsuite.scoring import build_evaluator, row_score
from evalsuite.store.answers import score_file, shard_files, shard_name
from evalsuite.store.entries import Entry
from evalsuite.store.files import read_json, safe_name, write_json
from evalsuite.store.folder import RunFolder
from evalsuite.store.keys import digest
from evalsuite.store.rows import Row, read_rows
from evalsuite.types import Counts, Metric, Result, Score, Task

NOT_RUN = "not run"


@dataclass
class _Tally:
    """Counts while scores stream by; nothing else of them is kept."""

    total: int = 0
    answered: int = 0
    errors: int = 0
    truncated: int = 0
    empty: int = 0
    unextracted: int = 0
    reasons: Causes = field(default_factory=Causes)

    def add(self, row: Row) -> None:
        """Count one score row."""
        self.total += 1
        if row["status"] == "error":
            self.fail(row.get("detail") or "error")
            return
        self.answered += 1
        self.truncated += row.get("finish") == "length"
        self.empty += bool(row.get("empty"))
        self.unextracted += row["status"] == "unextracted"

    def fail(self, reason: str) -> None:
        """Count one answer that is missing, under its cause."""
        self.errors += 1
        self.reasons.add(reason)

    def counts(self) -> Counts:
        """The finished counts."""
        return Counts(
            self.total,
            self.answered,
            self.errors,
            self.truncated,
            self.empty,
            self.unextracted,
            self.reasons.counts(),
        )


class Marks:
    """The finished tasks of a run, listed once for all that ask."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._queues: dict[str, dict[str, Entry]] = {}

    def of(self, task: Task) -> Entry | None:
        """How a task was finished, if it was."""
        if task.queue not in self._queues:
            entries = self._folder.queue(task.queue).entries("done")
            self._queues[task.queue] = {entry.name: entry for entry in entries}
        return self._queues[task.queue].get(task.name)


def collect(folder: RunFolder, plan: Plan, pair: Pair, marks: Marks) -> Result:
    """The result of one (model x dataset): its scores are read once, as a stream."""
    dataset = plan.dataset(pair.dataset)
    evaluator = build_evaluator(dataset.config)
    tally = _Tally()
    metrics = evaluator.aggregate(_scores(folder, plan, pair, marks, tally))
    headline = next(iter(metrics), "")
    return Result(
        pair.model,
        pair.dataset,
        metrics,
        tally.counts(),
        version=pair.version,
        mode=pair.mode,
        headline=headline,
    )


def settled(plan: Plan, pair: Pair, marks: Marks) -> str | None:
    """What a (model x dataset)'s result rests on, when all of it is scored; None while it may change."""
    found = [marks.of(task) for task in pair.tasks("eval")]
    files = [(entry.name, entry.answers, entry.attempts) for entry in found if entry is not None]
    repeats = plan.dataset(pair.dataset).repeats
    return digest([pair.eval_fingerprint, repeats, files]) if len(files) == len(found) else None


def keep(folder: RunFolder, pair: Pair, result: Result, rests_on: str | None) -> None:
    """Remember a settled result, so that a finished run shown again reads no rows."""
    if rests_on is not None:
        place = _kept(folder, pair)
        place.parent.mkdir(parents=True, exist_ok=True)
        write_json(place, {"rests_on": rests_on, "result": asdict(result)})


def kept(folder: RunFolder, pair: Pair, rests_on: str | None) -> Result | None:
    """The remembered result, if it rests on the same scores."""
    raw = read_json(_kept(folder, pair), {}) if rests_on else {}
    if not raw or raw["rests_on"] != rests_on:
        return None
    body = raw["result"]
    metrics = {name: Metric(**metric) for name, metric in body["metrics"].items()}
    return Result(**{**body, "metrics": metrics, "counts": Counts(**body["counts"])})


def _kept(folder: RunFolder, pair: Pair) -> Path:
    return folder.tasks / "results" / safe_name(pair.model) / f"{safe_name(pair.dataset)}.json"


def _scores(folder: RunFolder, plan: Plan, pair: Pair, marks: Marks, tally: _Tally) -> Iterator[Score]:
    repeats = plan.dataset(pair.dataset).repeats
    place = folder.scores(pair.model, pair.dataset)
    files = shard_files(place)
    for task in pair.tasks("eval"):
        shard = shard_name(task.start, task.stop, pair.eval_fingerprint)
        mark = marks.of(task)
        finished = score_file(shard, mark) if mark else ""
        seen: set[tuple[int, int]] = set()
        for row in _rows(place, files.get(shard, []), finished):
            seen.add((row["index"], row["repeat"]))
            tally.add(row)
            yield row_score(row)
        if len(seen) == (task.stop - task.start) * repeats:
            continue
        cause = _cause(folder, pair, task)
        for index in range(task.start, task.stop):
            for repeat in range(repeats):
                if (index, repeat) not in seen:
                    tally.total += 1
                    tally.fail(cause)
                    yield Score(f"#{index}", repeat, "error", detail=cause)


def _rows(folder: Path, files: list[str], finished: str) -> Iterator[Row]:
    """The score rows of a slice: of the finished attempt, or what unfinished ones left."""
    if finished in files:
        yield from read_rows(folder / finished)
        return
    rows: dict[tuple[int, int], Row] = {}
    for name in files:
        for row in read_rows(folder / name):
            known = rows.get((row["index"], row["repeat"]))
            if known is None or known["status"] == "error":
                rows[row["index"], row["repeat"]] = row
    yield from rows.values()


def _cause(folder: RunFolder, pair: Pair, task: Task) -> str:
    """Why rows of a slice are missing, in the words of the stage that failed first."""
    infer = pair.task("infer", task.start, task.stop)
    for queue, name, stage in (
        (folder.queue(infer.queue), infer.name, "inference"),
        (folder.queue(EVAL_QUEUE), task.name, "scoring"),
    ):
        reasons = queue.reasons(name)
        if reasons:
            return f"{stage}: {reasons[-1]['reason']}"
    return NOT_RUN
