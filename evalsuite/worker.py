"""Where a model, its tasks and the store meet: a process that loads one model and pulls its tasks."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any, cast
from zlib import crc32

from evalsuite.config.secrets import Redactor, environment_secrets, resolve_secrets
from evalsuite.datasets.base import Dataset
from evalsuite.datasets.build import build_dataset
from evalsuite.errors import UserError, describe, kind_of
from evalsuite.inferencers.base import Exchange, Inferencer
from evalsuite.models.base import Model
from evalsuite.plan import EVAL_QUEUE, ModelEntry, Pair, Plan, TaskFinder, sampling_of
from evalsuite.pulse import EXIT_STOPPED, Heart, Stopped
from evalsuite.registry import resolve
from evalsuite.settle import Settler
from evalsuite.store.answers import answer_file, answer_row, failed, merged_rows, shard_name
from evalsuite.store.entries import Entry, Outcome
from evalsuite.store.files import brief_name, read_json, write_json
from evalsuite.store.folder import RunFolder
from evalsuite.store.leases import BATCH, Lease
from evalsuite.store.reuse import OldAnswers, runs_with
from evalsuite.store.rows import RowWriter
from evalsuite.types import Answer, Request, Task, Verb

ENGINE_KEYS = frozenset(
    (
        *("abbr", "type", "run_cfg", "max_out_len", "min_out_len", "meta_template", "pred_postprocessor"),
        *("stop_words", "generation_kwargs", "summarizer_abbr"),
    )
)
"""Keys of a model dict that the engine uses itself; a backend gets them only if it asks for them."""

STOP_GRACE_SECONDS = 3.0
BATCH_SIZE = "batch_size"
RANK_OF_PROMOTED = "500"
"""Tasks are judged as they land, whatever they cost."""


@dataclass
class RunningTask:
    """One claimed infer task: what is known, what is asked, what is still to come."""

    task: Task
    pair: Pair
    lease: Lease
    writer: RowWriter
    exchanges: Iterator[Exchange]
    total: int
    done: int = 0
    failed: int = 0
    reused: int = 0
    open: int = 0
    exhausted: bool = False
    started: float = field(default_factory=time.monotonic)

    def progress(self) -> dict[str, Any]:
        """What a board shows of this task."""
        return {"done": self.done, "total": self.total, "failed": self.failed, "dataset": self.task.dataset}


class InferWorker:
    """Feeds one model one endless stream of requests, made of whatever tasks it can claim.

    The stream never pauses between tasks or datasets; each answer is on disk a moment after it exists.
    """

    def __init__(self, folder: RunFolder, plan: Plan, entry: ModelEntry, owner: str) -> None:
        self.folder = folder
        self.plan = plan
        self.entry = entry
        self.owner = owner
        self.queue = folder.queue(entry.queue)
        self._judges = folder.queue(EVAL_QUEUE)
        self.heart = Heart(self.queue, owner)
        self.stopping = False
        self._tasks = TaskFinder([pair for pair in plan.pairs if pair.model == entry.abbr], "infer")
        self._settler = Settler()
        self._promoted = itertools.count()
        self._old: dict[str, OldAnswers] = {}
        self._running: dict[str, RunningTask] = {}
        self._followups: deque[Request] = deque()
        self._waiting: dict[str, list[tuple[RunningTask, Exchange]]] = {}
        self._datasets: dict[str, Dataset] = {}
        self._inferencers: dict[str, Inferencer] = {}
        self._model: Model | None = None
        self._current: RunningTask | None = None
        self._clean = secrets_of(os.environ).clean

    # ------------------------------------------------------------------ the loop
    def run(self) -> None:
        """Work until no task is left; the model is loaded when the first task is held, and once."""
        verbs: tuple[Verb, ...] = ("generate", "loglikelihood")
        try:
            worked = True
            while worked:
                worked = False
                for verb in verbs:
                    worked = self._run_verb(verb) or worked
            self._settler.drain()
        except BaseException as error:
            self._abandon(error)
            raise
        finally:
            self._settler.close()
            self.heart.stop()
            if self._model is not None:
                self._model.close()

    def _run_verb(self, verb: Verb) -> bool:
        """One stream of one verb; False when there was nothing to do."""
        worked = False
        while True:
            stream = self._requests(verb)
            first = next(stream, None)
            if first is None:
                # Everything was on disk already, or nothing is left; follow-ups can only come from answers.
                if not self._waiting:
                    return worked
                raise RuntimeError(f"{len(self._waiting)} requests were never answered by {self.entry.abbr}")
            worked = True
            model = self._load()
            answers = getattr(model, verb)(_chain(first, stream))
            for answer in cast(Iterator[Answer], answers):
                self._receive(answer)
                if self.stopping:
                    raise Stopped

    def _requests(self, verb: Verb) -> Iterator[Request]:
        """The stream that the model pulls from: follow-ups first, then new samples, then new tasks."""
        while True:
            if self._followups:
                yield self._followups.popleft()
                continue
            if self.stopping:
                return
            current = self._current = self._current or self._claim(verb)
            if current is None:
                return
            exchange = next(current.exchanges, None)
            if exchange is None:
                current.exhausted = True
                self._current = None
                self._finish_if_done(current)
                continue
            current.open += 1
            for request in exchange.start():
                yield from self._ask(current, exchange, request)

    def _ask(self, running: RunningTask, exchange: Exchange, request: Request) -> Iterator[Request]:
        """Yield a request unless the same one is on its way: then its answer serves both."""
        waiting = self._waiting.setdefault(request.key, [])
        waiting.append((running, exchange))
        if len(waiting) == 1:
            yield request

    def _receive(self, answer: Answer) -> None:
        for running, exchange in self._waiting.pop(answer.key):
            for request in exchange.receive(answer):
                self._followups.extend(self._ask(running, exchange, request))
            result = exchange.result()
            if result is not None:
                self._write(running, exchange, result)
                running.open -= 1
                self._finish_if_done(running)

    def _write(self, running: RunningTask, exchange: Exchange, answer: Answer) -> None:
        if answer.error is not None:
            answer = replace(answer, error=replace(answer.error, message=self._clean(answer.error.message)))
        sample = exchange.sample
        row = answer_row(exchange.key, sample.index, sample.id, exchange.repeat, exchange.record(), answer)
        running.writer.append(row)
        running.done += 1
        running.failed += answer.error is not None

    # ------------------------------------------------------------------ tasks
    def _claim(self, verb: Verb) -> RunningTask | None:
        lease = self.queue.claim(self.owner, verb, lambda name: self._tasks.find(name) is not None)
        if lease is None:
            return None
        task, pair = self._tasks.task(lease.name)
        shard = shard_name(task.start, task.stop, pair.fingerprint)
        place = self.folder.predictions(task.model, task.dataset)
        writer = RowWriter(place / answer_file(shard, lease.entry.attempts))
        total = (task.stop - task.start) * self.plan.dataset(task.dataset).repeats
        running = RunningTask(task, pair, lease, writer, iter(()), total)
        self._running[lease.name] = running
        self.heart.hold(lease, running.progress)
        running.exchanges = self._exchanges(running, shard)
        return running

    def _exchanges(self, running: RunningTask, shard: str) -> Iterator[Exchange]:
        """The exchanges of a slice that have no answer yet, here or (when reuse is on) in an earlier run."""
        task = running.task
        folder = self.folder.predictions(task.model, task.dataset)
        mine = merged_rows(folder, shard, running.lease.entry.attempts)
        old = self._old_answers(running.pair)
        exchanges = self._all_exchanges(task)
        if not mine and not old:
            yield from exchanges
            return
        known = {place: row["key"] for place, row in mine.items() if not failed(row)}
        todo: list[Exchange] = []
        for exchange in exchanges:
            if known.get((exchange.sample.index, exchange.repeat)) == exchange.key:
                running.done += 1
            else:
                todo.append(exchange)
        found = self._reuse(running, todo, old) if old and todo else set()
        yield from (exchange for exchange in todo if exchange.key not in found)

    def _reuse(self, running: RunningTask, todo: list[Exchange], old: OldAnswers) -> set[str]:
        task = running.task
        places: dict[str, list[Exchange]] = {}
        for exchange in todo:
            places.setdefault(exchange.key, []).append(exchange)
        found: set[str] = set()
        for run, row in old.find((task.start, task.stop), places):
            found.add(row["key"])
            for exchange in places[row["key"]]:
                sample = exchange.sample
                place = {"index": sample.index, "id": sample.id, "repeat": exchange.repeat}
                running.writer.append({**row, **place, "reused": run.stamp})
                running.done += 1
                running.reused += 1
        return found

    def _old_answers(self, pair: Pair) -> OldAnswers:
        """What was on disk for this dataset before its first task came to this worker; looked up once."""
        if pair.dataset not in self._old:
            others = self._siblings if self.plan.reuse else ()
            ours = {shard_name(start, stop, pair.fingerprint) for start, stop in pair.slices}
            self._old[pair.dataset] = OldAnswers(self.folder, others, pair.model, pair.dataset, ours)
        return self._old[pair.dataset]

    @cached_property
    def _siblings(self) -> Sequence[RunFolder]:
        return runs_with(self.entry.identity, self.entry.abbr, self.folder.siblings())

    def _all_exchanges(self, task: Task) -> Iterator[Exchange]:
        inferencer = self._inferencer(task.dataset)
        repeats = range(self.plan.dataset(task.dataset).repeats)
        for sample in self._dataset(task.dataset).samples(task.start, task.stop):
            for repeat in repeats:
                yield inferencer.exchange(sample, repeat)

    def _finish_if_done(self, running: RunningTask) -> None:
        if running.exhausted and not running.open:
            self._settler.submit(running.writer.close, lambda: self._settle(running))

    def _settle(self, running: RunningTask) -> None:
        """The rows are on the disk: the mark that they are, then the task that judges them."""
        lease = running.lease
        seconds = time.monotonic() - running.started
        if lease.done(Outcome(running.done, running.failed, running.reused, seconds, running.writer.size)):
            task = running.pair.task("eval", running.task.start, running.task.stop)
            mine = crc32(self.owner.encode())
            batch = f"{EVAL_QUEUE}-{RANK_OF_PROMOTED}-{mine:08x}-{next(self._promoted) // BATCH}"
            answers = lease.entry.attempts + 1
            self._judges.promote(Entry(task.name, answers=answers, batch=batch))
        self.heart.drop(lease)
        del self._running[lease.name]

    def _abandon(self, error: BaseException) -> None:
        """Give back what is held: unharmed when the worker was told to stop, as broken when it failed."""
        self._settler.close()
        for running in list(self._running.values()):
            self.heart.drop(running.lease)
            try:
                running.writer.close()
            finally:
                if isinstance(error, (Stopped, KeyboardInterrupt)):
                    running.lease.give_back()
                else:
                    running.lease.fail(self._clean(describe(error)), kind=kind_of(error))

    # ------------------------------------------------------------------ parts
    def _load(self) -> Model:
        if self._model is None:
            config = self._fitting_config()
            known = {"model": self.entry.abbr, "owner": self.owner, BATCH_SIZE: config.get(BATCH_SIZE)}
            where = self._facts_of(self.owner)
            where.parent.mkdir(exist_ok=True)
            write_json(where, known)  # before it loads: loading may be the end of this worker
            self._model = build_model(config)
            write_json(where, {**known, **self._model.facts().__dict__})
        return self._model

    def _facts_of(self, owner: str) -> Path:
        return self.folder.path / "models" / f"{owner}.json"

    def _fitting_config(self) -> Mapping[str, Any]:
        """The model's config, with half of the smallest batch that any worker ran out of memory with."""
        config = self.entry.config
        size = config.get(BATCH_SIZE)
        owners = self.queue.owners_failed_by("oom")
        if not owners or not isinstance(size, int):
            return config
        tried = [read_json(self._facts_of(owner), {}).get(BATCH_SIZE) or size for owner in owners]
        return {**config, BATCH_SIZE: max(1, min(tried) // 2)}

    def _dataset(self, abbr: str) -> Dataset:
        if abbr not in self._datasets:
            self._datasets[abbr] = build_dataset(self.plan.dataset(abbr).config)
        return self._datasets[abbr]

    def _inferencer(self, abbr: str) -> Inferencer:
        if abbr not in self._inferencers:
            from evalsuite.inferencers import build_inferencer

            dataset = self.plan.dataset(abbr)
            kind = resolve(self.entry.config["type"], "models").prompt_kind
            context = self.entry.config.get("max_seq_len")
            self._inferencers[abbr] = build_inferencer(
                dataset.config.get("infer_cfg") or {},
                dataset.config.get("reader_cfg") or {},
                dataset=self._dataset(abbr),
                prompt_kind=kind,
                meta_template=self.entry.config.get("meta_template"),
                sampling=sampling_of(self.entry.config),
                identity=self.entry.identity,
                count_tokens=(lambda prompt: self._load().count_tokens(prompt)) if context else None,
                context=context,
            )
        return self._inferencers[abbr]


def build_model(config: Mapping[str, Any]) -> Model:
    """The backend of a model dict; secrets are looked up only here."""
    factory = resolve(config["type"], "models")
    accepted = inspect.signature(factory).parameters
    keywords = {
        key: value
        for key, value in config.items()
        if key in accepted or (key not in ENGINE_KEYS and key != "batch_size")
    }
    return cast(Model, factory(**resolve_secrets(keywords, os.environ)))


def _chain(first: Request, rest: Iterator[Request]) -> Iterator[Request]:
    yield first
    yield from rest


# --------------------------------------------------------------------------- the process
def main(argv: Sequence[str]) -> int:
    """Be one worker, `RUN QUEUE OWNER`, in a process of its own or (under a debugger) in the driver's."""
    run, queue, owner = argv
    owner = brief_name(owner, 80)  # it stands in the names of files
    folder = RunFolder(Path(run))
    plan = Plan.load(folder.plan_file)
    for path in reversed(plan.search_paths):
        if path not in sys.path:
            sys.path.insert(0, path)
    try:
        if queue == EVAL_QUEUE:
            from evalsuite.scoring import EvalWorker

            worker: Any = EvalWorker(folder, plan, owner)
        else:
            entry = next(model for model in plan.models if model.queue == queue)
            worker = InferWorker(folder, plan, entry, owner)
        with _stop_signals(worker):
            worker.run()
    except Stopped:
        return EXIT_STOPPED
    except Exception as error:
        # The log gets the whole traceback of a defect, and neither it nor the word to the driver holds a key.
        clean = secrets_of(os.environ).clean
        of_user = isinstance(error, UserError)
        told = f"{describe(error)}\n" if of_user else "".join(traceback.format_exception(error))
        sys.stderr.write(clean(told))
        report_fatal(folder, owner, queue, kind_of(error), clean(describe(error)))
        return 1
    return 0


def report_fatal(folder: RunFolder, owner: str, queue: str, kind: str, reason: str) -> None:
    """Leave word of why this worker ended, where the driver finds it."""
    place = folder.tasks / "fatal"
    with contextlib.suppress(OSError):  # a full disk is told by the log and the exit status alone
        place.mkdir(parents=True, exist_ok=True)
        write_json(place / f"{owner}.json", {"owner": owner, "queue": queue, "kind": kind, "reason": reason})


def secrets_of(environment: Mapping[str, str]) -> Redactor:
    """What takes the secrets of this process's environment out of a text."""
    return Redactor(environment_secrets(environment))


class _stop_signals:
    """While it lasts, a polite signal makes the worker stop after the answer at hand."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._former: dict[int, Any] = {}
        self._timer: threading.Timer | None = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGUSR1):
                self._former[number] = signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._worker.stopping:
            raise Stopped
        self._worker.stopping = True
        # A worker that waits inside a long call notices only through an exception; it gets a moment first.
        self._timer = threading.Timer(STOP_GRACE_SECONDS, os.kill, (os.getpid(), number))
        self._timer.daemon = True
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for number, former in self._former.items():
            signal.signal(number, former)
