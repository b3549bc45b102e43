"""The eval worker: pulls tasks whose answers have landed, judges them, and writes their scores."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from evalsuite.config.secrets import resolve_secrets
from evalsuite.datasets.base import Dataset
from evalsuite.datasets.build import build_dataset
from evalsuite.errors import describe, kind_of
from evalsuite.evaluators.base import AnsweredSample, Evaluator
from evalsuite.evaluators.choice import evaluator_for
from evalsuite.plan import EVAL_QUEUE, Pair, Plan, TaskFinder
from evalsuite.postprocess import postprocessor
from evalsuite.pulse import Heart, Stopped
from evalsuite.registry import resolve
from evalsuite.settle import Settler
from evalsuite.store.answers import failed, merged_rows, row_answer, score_file, shard_files, shard_name
from evalsuite.store.entries import Entry, Outcome
from evalsuite.store.folder import RunFolder
from evalsuite.store.keys import digest
from evalsuite.store.leases import Lease
from evalsuite.store.rows import Row, RowWriter, read_rows
from evalsuite.types import Answer, Sample, Score, Task

IDLE_SECONDS = 0.02
IDLE_LIMIT = 0.5


class EvalWorker:
    """Judges answers as they land: it waits while tasks may still become ready, and leaves when none can."""

    def __init__(self, folder: RunFolder, plan: Plan, owner: str) -> None:
        self.folder = folder
        self.plan = plan
        self.owner = owner
        self.queue = folder.queue(EVAL_QUEUE)
        self.heart = Heart(self.queue, owner)
        self.stopping = False
        self._tasks = TaskFinder(plan.pairs, "eval")
        self._settler = Settler()
        self._earlier: dict[tuple[str, str], dict[str, list[str]]] = {}
        self._datasets: dict[str, Dataset] = {}
        self._evaluators: dict[str, Evaluator] = {}

    def run(self) -> None:
        """Claim and judge until nothing is ready and nothing is waiting for its answers."""
        idle = IDLE_SECONDS
        try:
            while True:
                if self.stopping:
                    raise Stopped
                lease = self.queue.claim(
                    self.owner, EVAL_QUEUE, lambda name: self._tasks.find(name) is not None
                )
                if lease is not None:
                    idle = IDLE_SECONDS
                    self._work(lease)
                elif self.queue.has("waiting"):
                    time.sleep(idle)
                    idle = min(IDLE_LIMIT, idle * 1.5)
                elif not self.queue.has("ready"):
                    self._settler.drain()
                    return
        finally:
            self._settler.close()
            self.heart.stop()
            for evaluator in self._evaluators.values():
                close = getattr(evaluator, "close", None)
                if close:
                    close()

    def _work(self, lease: Lease) -> None:
        task, pair = self._tasks.task(lease.name)
        progress: dict[str, Any] = {"done": 0, "dataset": task.dataset}
        self.heart.hold(lease, lambda: progress)
        shard = shard_name(task.start, task.stop, pair.eval_fingerprint)
        writer = RowWriter(self.folder.scores(task.model, task.dataset) / score_file(shard, lease.entry))
        started = time.monotonic()
        try:
            for row in self._score_rows(task, pair, shard, lease.entry):
                writer.append(row)
                progress["done"] += 1
                if self.stopping:
                    raise Stopped
        except BaseException as error:
            self.heart.drop(lease)
            try:
                writer.close()
            finally:
                if isinstance(error, (Stopped, KeyboardInterrupt)):
                    lease.give_back()
                else:
                    lease.fail(describe(error), kind=kind_of(error))
            if not isinstance(error, Exception) or isinstance(error, Stopped):
                raise
            return
        took = time.monotonic() - started
        self._settler.submit(writer.close, lambda: self._settle(lease, writer, took))

    def _settle(self, lease: Lease, writer: RowWriter, took: float) -> None:
        lease.done(Outcome(writer.count, seconds=took, size=writer.size))
        self.heart.drop(lease)

    def _score_rows(self, task: Task, pair: Pair, shard: str, entry: Entry) -> Iterator[Row]:
        """The score rows of a slice: first those whose answers did not change since an earlier attempt."""
        answers = merged_rows(
            self.folder.predictions(task.model, task.dataset),
            shard_name(task.start, task.stop, pair.fingerprint),
            entry.answers,
        )
        known = self._known_scores(task, shard, entry)
        todo: dict[int, list[Row]] = {}
        for row in answers.values():
            mark = digest([row["key"], {k: v for k, v in row["answer"].items() if k != "seconds"}])
            row["mark"] = mark
            earlier = known.get((row["index"], row["repeat"]))
            if earlier is not None and earlier["mark"] == mark:
                yield earlier
            elif failed(row):
                kind, message, _ = row["answer"]["error"]
                yield score_row(row, Score(row["id"], 0, "error", detail=f"{kind}: {message}"))
            else:
                todo.setdefault(row["index"], []).append(row)
        yield from self._judge(task, todo)

    def _known_scores(self, task: Task, shard: str, entry: Entry) -> dict[tuple[int, int], Row]:
        """Verdicts of earlier attempts: those that lay there when this worker came, and broken ones."""
        folder = self.folder.scores(task.model, task.dataset)
        place = (task.model, task.dataset)
        if place not in self._earlier:
            self._earlier[place] = shard_files(folder)
        broken = (score_file(shard, replace(entry, attempts=attempt)) for attempt in range(entry.attempts))
        rows: dict[tuple[int, int], Row] = {}
        for name in dict.fromkeys((*self._earlier[place].get(shard, ()), *broken)):
            with contextlib.suppress(FileNotFoundError):  # an attempt that ended before its first verdict
                for row in read_rows(folder / name):
                    if row["status"] != "error":
                        rows[row["index"], row["repeat"]] = row
        return rows

    def _judge(self, task: Task, todo: Mapping[int, list[Row]]) -> Iterator[Row]:
        if not todo:
            return
        evaluation = self.plan.dataset(task.dataset).config.get("eval_cfg") or {}
        model = self.plan.model(task.model).config
        extract = [
            postprocessor(model.get("pred_postprocessor")),
            postprocessor(evaluation.get("pred_postprocessor")),
        ]
        reference = postprocessor(evaluation.get("dataset_postprocessor"))
        unextracted: list[Row] = []
        places: dict[str, list[Row]] = {}

        def items() -> Iterator[AnsweredSample]:
            for sample in self._samples(task, todo):
                if evaluation.get("dataset_postprocessor"):
                    sample = replace(sample, reference=reference(sample.reference))
                ready: list[tuple[Row, Answer]] = []
                for row in sorted(todo[sample.index], key=lambda row: int(row["repeat"])):
                    answer = row_answer(row)
                    text: str | None = answer.text
                    for step in extract:
                        text = step(text) if text is not None else None
                    if text is None:
                        unextracted.append(row)
                    else:
                        ready.append((row, replace(answer, text=text) if text != answer.text else answer))
                if ready:
                    places[sample.id] = [row for row, _ in ready]
                    yield sample, [answer for _, answer in ready]

        for score in self._evaluator(task.dataset).score(items()):
            yield score_row(places[score.id][score.repeat], score)
        for row in unextracted:
            yield score_row(
                row, Score(row["id"], 0, "unextracted", False, detail="no answer found in the text")
            )

    def _samples(self, task: Task, todo: Mapping[int, Any]) -> Iterator[Sample]:
        for sample in self._dataset(task.dataset).samples(task.start, task.stop):
            if sample.index in todo:
                yield sample

    def _dataset(self, abbr: str) -> Dataset:
        if abbr not in self._datasets:
            self._datasets[abbr] = build_dataset(self.plan.dataset(abbr).config)
        return self._datasets[abbr]

    def _evaluator(self, abbr: str) -> Evaluator:
        if abbr not in self._evaluators:
            self._evaluators[abbr] = build_evaluator(self.plan.dataset(abbr).config)
        return self._evaluators[abbr]


def build_evaluator(dataset: Mapping[str, Any]) -> Evaluator:
    """The evaluator of a dataset's dict; without one, answers are compared as texts."""
    config = evaluator_for(dataset)
    factory = resolve(config.pop("type"), "evaluators")
    return cast(Evaluator, factory(**resolve_secrets(config, os.environ)))


def score_row(row: Mapping[str, Any], score: Score) -> Row:
    """One line of a scores file; `mark` ties the verdict to the very answer that it judges."""
    line: Row = {
        "key": row["key"],
        "mark": row["mark"],
        "index": row["index"],
        "id": row["id"],
        "repeat": row["repeat"],
        "status": _status(row, score),
        "correct": score.correct,
        "finish": row["answer"].get("finish", "unknown"),
        "empty": not row["answer"].get("text") and "options" not in row["answer"],
    }
    if score.metrics:
        line["metrics"] = dict(score.metrics)
    if score.detail:
        line["detail"] = score.detail
    if score.extra:
        line["extra"] = dict(score.extra)
    return line


def _status(row: Mapping[str, Any], score: Score) -> str:
    """A wrong answer that was cut off at its length limit says so."""
    cut = row["answer"].get("finish") == "length" and score.status in ("wrong", "unextracted", "syntax")
    return "truncated" if cut else score.status


def row_score(row: Mapping[str, Any]) -> Score:
    """The score that a line stands for."""
    return Score(
        id=row["id"],
        repeat=row["repeat"],
        status=row["status"],
        correct=row["correct"],
        metrics=row.get("metrics", {}),
        detail=row.get("detail", ""),
        extra=row.get("extra", {}),
    )
