"""Plan to jobs to done, whatever the runner: seeds the queues, keeps workers alive, reports what failed."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from evalsuite.plan import EVAL_QUEUE, ModelEntry, Plan, TaskFinder
from evalsuite.progress import OPEN_STATES, Snapshot, Watcher
from evalsuite.pulse import EXIT_STOPPED, LEASE_VARIABLE
from evalsuite.seeding import Seeder
from evalsuite.store.answers import answer_file, score_file, shard_name
from evalsuite.store.entries import Entry, listed
from evalsuite.store.files import brief_name, read_json, safe_name
from evalsuite.store.folder import RunFolder
from evalsuite.store.leases import LEASE_SECONDS, Queue
from evalsuite.store.lock import DriverLock
from evalsuite.store.reaper import Reaper
from runners.base import Job, JobState, Resources, Runner

Mode = Literal["all", "infer", "eval", "viz"]
POLL_SECONDS = 0.02
POLL_LIMIT = 0.5
LOOK_SECONDS = 1.0
BEAT_SECONDS = 5.0
FAR_POLL_LIMIT = 3.0
FAR_LOOK_SECONDS = 5.0
FAR_LEASE_SECONDS = 150.0
"""Where workers are on other hosts: what they write is seen late, and looking costs more."""
LOOK_SHARE = 200
"""A look at all that is done waits so many times as long as the last one took: it never costs much."""
FREE_KINDS = frozenset(("preempted", "node_fail", "launch", "lost", "stopped", "cancelled", "unsent"))
"""Ends of a worker that say nothing against its tasks: they are tried again without being counted."""
FREE_STARTS = 20
FRUITLESS_TASKS = 3
"""So many tasks may use up their tries in a row, without one new row, before all are given up."""
GONE = 10**9


@dataclass
class Pool:
    """The workers of one stage: who starts them, how many at most, and what each of them needs."""

    runner: Runner
    workers: int = 1
    in_process: bool = False
    outlives_driver: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    lease_seconds: float = LEASE_SECONDS
    """How long a worker may be silent before its tasks go to others."""
    failed: Callable[[str, JobState, Collection[str]], None] = lambda worker, state, tasks: None
    """Told of each worker that failed, with the tasks that it held."""


@dataclass
class DriveOptions:
    """What the driver needs to know beside the plan."""

    mode: Mode = "all"
    retry: int = 2
    env: Mapping[str, str] = field(default_factory=dict)
    single: frozenset[str] = frozenset()
    """Models of which one worker is enough (it keeps a remote endpoint busy by itself)."""


class Interrupted(Exception):
    """The user (or the system) asked the driver to stop; the run can be resumed."""


@dataclass
class _Worker:
    id: str
    queue: str
    seen_over: bool = False
    silent: bool = False
    """Its heart stopped: somebody else may take its place."""
    dismissed: bool = False
    """Nothing was left for it to do, and it was told to go."""

    def is_named(self, owner: str) -> bool:
        """Whether an owner of tasks is this worker, in its first start or (`ID.1`) a later one."""
        return owner == self.id or owner.startswith(f"{self.id}.")


class Driver:
    """Drives one run to its end. All that it knows is on disk: another driver can take over at any moment."""

    def __init__(
        self,
        folder: RunFolder,
        plan: Plan,
        infer: Pool,
        evaluate: Pool,
        options: DriveOptions,
        watch: Callable[[Snapshot, Sequence[str]], None] = lambda snapshot, workers: None,
        say: Callable[[str], None] = lambda text: None,
        hear: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.folder = folder
        self.plan = plan
        self.options = options
        self._pools = {"infer": infer, "eval": evaluate}
        self._watch = watch
        self._say = say
        self._hear = hear
        self._watcher = Watcher(folder, plan)
        self._seeder = Seeder(folder, plan, options.mode)
        self._released: set[str] = set()
        self._queues = self._make_queues()
        self._finders = {
            name: TaskFinder(
                [pair for pair in plan.pairs if name in (pair.queue("infer"), EVAL_QUEUE)],
                "eval" if name == EVAL_QUEUE else "infer",
            )
            for name in self._queues
        }
        self._far = infer.outlives_driver or evaluate.outlives_driver
        self._reapers = {
            name: Reaper(queue, options.retry, self._pool(name).lease_seconds)
            for name, queue in self._queues.items()
        }
        self._idle_since: dict[str, float] = {}
        self._over: set[str] = set()
        self._withdrawn: dict[str, int] = {}
        self._last_beat = 0.0
        self._workers: dict[str, _Worker] = {}
        self._started = 0
        # A driver on another host may have the same process number.
        self._mark = f"{os.getpid()}{os.urandom(2).hex()}" if self._far else str(os.getpid())
        self._start_failures: dict[str, int] = {}
        self._bytes: dict[str, int] = {}
        self._next_look = 0.0

    def _make_queues(self) -> dict[str, Queue]:
        names: list[str] = []
        if self.options.mode in ("all", "infer"):
            names += [model.queue for model in self.plan.models]
        if self.options.mode in ("all", "eval"):
            names.append(EVAL_QUEUE)
        return {name: self.folder.queue(name) for name in names}

    def _pool(self, queue: str) -> Pool:
        return self._pools["eval" if queue == EVAL_QUEUE else "infer"]

    # ------------------------------------------------------------------ seeding
    def seed(self) -> None:
        """Put the plan's tasks into the queues; what is done stays done, what failed gets another chance."""
        self._seeder.seed(self._recover, self._say)

    def _recover(self, name: str, queue: Queue) -> None:
        """Take back what workers of an earlier driver held, where those cannot be alive any more."""
        if self._pool(name).outlives_driver:
            return
        for entry in list(queue.entries("leased")):
            queue.break_lease(entry, "the driver of its worker ended", kind="driver", counted=False)

    # ------------------------------------------------------------------ the loop
    def run(self) -> None:
        """Drive until nothing is open; leaves no process of this machine behind, however it ends."""
        pause = POLL_SECONDS
        limit = FAR_POLL_LIMIT if self._far else POLL_LIMIT
        try:
            self.adopt()
            while True:
                changed = self._step()
                if self._finished():
                    break
                self._stop_if_withdrawn()
                pause = POLL_SECONDS if changed else min(limit, pause * 1.2)
                time.sleep(pause)
            self._look()
        except KeyboardInterrupt as error:
            self._stop()
            raise Interrupted from error
        except BaseException:
            self._cancel(now=True)
            raise

    def start(self) -> None:
        """Start the first workers and leave them to themselves: another driver will look after them."""
        self.adopt()
        self._start_workers()

    def adopt(self) -> None:
        """Take over the workers that an earlier driver of this run started, and what its dead ones held."""
        for pool in self._pools.values():
            known: Mapping[str, str] = getattr(pool.runner, "jobs", dict)()
            states = pool.runner.poll() if known else {}
            for id, queue in known.items():
                if queue not in self._queues or id in self._workers:
                    continue
                self._workers[id] = _Worker(id, queue, seen_over=states[id].over)
                if states[id].over:
                    self._reapers[queue].release([id], "it ended while there was no driver", counted=False)
        left = sum(not worker.seen_over for worker in self._workers.values())
        if left:
            self._say(f"going on with {left} workers that an earlier driver started")

    def first_jobs(self) -> list[Job]:
        """One job of each kind, as they would be started."""
        stages = {name: "eval" if name == EVAL_QUEUE else "infer" for name in self._queues}
        return [self._job(name, self._pools[stage]) for name, stage in stages.items()]

    def _step(self) -> bool:
        changed = self._reap_jobs()
        for name, reaper in self._reapers.items():
            self._mark_silent(name, reaper.sweep())
        changed = self._start_workers() or changed
        now = time.monotonic()
        if now - self._last_beat >= BEAT_SECONDS:
            self._last_beat = now
            with contextlib.suppress(FileNotFoundError):  # drivers on other hosts judge the lock by its age
                os.utime(self.folder.lock_file)
        if now >= self._next_look:
            for queue in self._queues.values():
                queue.create()  # a folder that somebody took away must not stop the run
            self._release_blocked()
            self._mind_idle(now)
            self._look()
            pause = FAR_LOOK_SECONDS if self._far else LOOK_SECONDS
            self._next_look = now + max(pause, LOOK_SHARE * (time.monotonic() - now))
        return changed

    def _finished(self) -> bool:
        if any(not worker.seen_over for worker in self._workers.values()):
            return False
        if any(map(self._is_open, self._queues)) or not all(map(self._settled, self._queues)):
            return False
        return not (self._seeder.reopen_torn(self._say) or self._seeder.reopen_lost_answers(self._say))

    def _is_open(self, queue: str) -> bool:
        """Whether a queue has tasks that are not over."""
        return self._queues[queue].has(*OPEN_STATES)

    def _settled(self, name: str) -> bool:
        """Whether every task of a queue is done or given up; one that has vanished is put back."""
        left, vanished = self._seeder.put_back(name, self.folder.queue(name))
        if vanished:
            self._say(f"{vanished} tasks had vanished from the run folder; they are back")
        return not left

    def _release_blocked(self) -> None:
        """No eval task waits for ever: once nothing of a model is open, nothing waits for that model."""
        if EVAL_QUEUE not in self._queues or not self._queues[EVAL_QUEUE].has("waiting"):
            return
        models = [model.queue for model in self.plan.models]
        over = {name for name in models if not self.folder.queue(name).has("ready", "leased", "broken")}
        if over - self._released:
            self._seeder.release()
        self._released = over

    def _look(self) -> None:
        for line in self.folder.news():
            self._hear(line)
        live = [id for id, worker in self._workers.items() if not worker.seen_over]
        self._watch(self._watcher.look(), live)

    # ------------------------------------------------------------------ workers
    def _mark_silent(self, queue: str, owners: Collection[str]) -> None:
        """Workers whose hearts stopped: others may take their places."""
        for worker in self._workers.values():
            if worker.queue == queue and not worker.seen_over and not worker.silent:
                worker.silent = any(map(worker.is_named, owners))
                if worker.silent:
                    seconds = self._reapers[queue].lease_seconds
                    self._say(f"worker {worker.id} gave no sign of life for {seconds:g} s; others go on")

    def _mind_idle(self, now: float) -> None:
        """A queue without open tasks, at two looks in a row: is that so, and do its workers know?"""
        for name in self._queues:
            if self._is_open(name):
                self._idle_since.pop(name, None)
                self._over.discard(name)
            elif name not in self._idle_since:
                self._idle_since[name] = now
            elif name in self._over or self._settled(name):
                self._over.add(name)  # to find that out reads the whole queue, so it is done once
                if not self._pool(name).in_process:
                    self._dismiss(name, now - self._idle_since[name])

    def _dismiss(self, queue: str, idle_for: float) -> None:
        """No run waits for workers that have nothing left to do.

        Those that have not started (a cluster may be full) are not needed; one that runs on much longer than
        it takes to notice the end is stuck.
        """
        pool = self._pool(queue)
        idle = [w for w in self._workers.values() if w.queue == queue and not w.seen_over]
        if not idle:
            return
        states = pool.runner.poll()
        gone = [w for w in idle if idle_for > pool.lease_seconds or states[w.id].phase == "pending"]
        for worker in gone:
            worker.dismissed = True
            if states[worker.id].phase != "pending":
                self._say(f"worker {worker.id} has nothing left to do but does not end: stopped")
        if gone:
            pool.runner.cancel([worker.id for worker in gone])

    def _start_workers(self) -> bool:
        started = False
        for name, queue in self._queues.items():
            stage = "eval" if name == EVAL_QUEUE else "infer"
            pool = self._pools[stage]
            if pool.in_process and stage == "eval" and not self._all_answered():
                continue
            open_tasks = queue.count("ready", pool.workers)
            if not open_tasks and not (stage == "eval" and queue.has("waiting")):
                continue
            live = [w for w in self._workers.values() if not w.seen_over and not w.silent]
            mine = sum(worker.queue == name for worker in live)
            stage_live = sum((worker.queue == EVAL_QUEUE) == (stage == "eval") for worker in live)
            wanted = 1 if name.removeprefix("infer-") in self.options.single else pool.workers
            wanted -= self._withdrawn.get(name, 0)
            missing = min(wanted - mine, pool.workers - stage_live, max(1, open_tasks) - mine)
            if missing > 0:
                jobs = [self._job(name, pool) for _ in range(missing)]
                for job in jobs:
                    self._workers[job.id] = _Worker(job.id, name)
                pool.runner.submit(jobs)
                started = True
        return started

    def _all_answered(self) -> bool:
        """Whether a judge would find nothing to wait for.

        One in this process must not wait: while it does, nobody is there to release what it waits for.
        """
        if any(self._is_open(name) for name in self._queues if name != EVAL_QUEUE):
            return False
        judge = self._queues[EVAL_QUEUE]
        if judge.has("waiting"):
            self._seeder.release()
        return not judge.has("waiting")

    def _job(self, queue: str, pool: Pool) -> Job:
        self._started += 1
        owner = f"{brief_name(queue)}-{self._mark}-{self._started}"
        args = (str(self.folder.path), queue, owner)
        gpus = 0 if queue == EVAL_QUEUE else self._model_of(queue).gpus
        root = str(Path(__file__).resolve().parents[1])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
        return Job(
            id=owner,
            argv=(
                sys.executable,
                "-m",
                "evalsuite",
                "worker",
                "--run",
                args[0],
                "--class",
                queue,
                "--owner",
                owner,
            ),
            entry="evalsuite.worker:main",
            args=args,
            log=self.folder.logs / f"{owner}.log",
            group=queue,
            resources=Resources(gpus=gpus, options=dict(pool.options)),
            env={"PYTHONPATH": path, LEASE_VARIABLE: str(pool.lease_seconds), **self.options.env, **pool.env},
        )

    def _model_of(self, queue: str) -> ModelEntry:
        return next(model for model in self.plan.models if model.queue == queue)

    def _reap_jobs(self) -> bool:
        changed = False
        for pool in self._pools.values():
            for id, state in pool.runner.poll().items():
                worker = self._workers.get(id)
                if worker is not None and state.over and not worker.seen_over:
                    worker.seen_over = True
                    changed = True
                    self._bury(worker, state, pool)
        return changed

    def _bury(self, worker: _Worker, state: JobState, pool: Pool) -> None:
        """A worker is over: its leases end, and if it could not even start, that is counted."""
        if state.phase == "done" or state.exit_code == EXIT_STOPPED:
            self._start_failures.pop(worker.queue, None)
            return
        reaper = self._reapers[worker.queue]
        fatal = self._fatal(worker)
        reason = fatal["reason"] if fatal else state.reason or f"exit code {state.exit_code}"
        kind = fatal["kind"] if fatal else state.kind or "exit"
        held = self._held(worker)
        progressed = self._wrote(worker, held) or self._grew(worker.queue)
        free = kind in FREE_KINDS or (kind == "timeout" and progressed)
        reaper.release([worker.id], reason, kind=kind, counted=not free)
        if state.phase == "failed" or (state.phase == "cancelled" and not worker.dismissed):
            pool.failed(worker.id, state, [entry.name for entry in held])
        if worker.dismissed:
            return
        if state.kind == "cancelled":
            self._withdraw(worker.queue)
        elif state.kind == "refused" or (fatal and fatal["kind"] == "user"):
            # Neither the user's own mistake (a wrong key, a missing file) nor a request that cannot be
            # granted goes away by trying again.
            self._give_up(worker.queue, reason, kind)
        elif progressed or worker.silent:  # it did start
            self._start_failures.pop(worker.queue, None)
        else:
            self._count_start(worker, reason, kind, free=free, had_task=bool(held) or self._broken(worker))

    def _count_start(self, worker: _Worker, reason: str, kind: str, *, free: bool, had_task: bool) -> None:
        """A worker ended without one new row: after some in a row of these, none of its queue will do better.

        One that had a task may have failed by that task alone, so there are more tries; but a model that
        cannot be loaded is not loaded for each task of a long list.
        """
        if free and had_task:
            return
        failures = self._start_failures[worker.queue] = self._start_failures.get(worker.queue, 0) + 1
        limit = FREE_STARTS if free else self.options.retry
        if had_task:
            limit = FRUITLESS_TASKS * (self.options.retry + 1) - 1
        if failures > limit and not self._live(worker.queue):
            self._give_up(worker.queue, reason, kind)

    def _fatal(self, worker: _Worker) -> Mapping[str, str] | None:
        """The word that a worker left of why it ended; one that was started again has left newer words."""
        place = self.folder.tasks / "fatal"
        names = [f"{worker.id}.json", *sorted(path.name for path in place.glob(f"{worker.id}.*.json"))]
        for name in reversed(names):
            found: Mapping[str, str] | None = read_json(place / name)
            if found:
                return found
        return None

    def _held(self, worker: _Worker) -> list[Entry]:
        """The tasks that a worker holds."""
        return [e for e in list(self._queues[worker.queue].entries("leased")) if worker.is_named(e.owner)]

    def _wrote(self, worker: _Worker, held: Collection[Entry]) -> bool:
        """Whether a row of this worker is on disk: of a task that it finished, or of one that it held."""
        finished = listed(str(self._queues[worker.queue].folder("done")))
        if any(name.startswith((f"{worker.id}-", f"{worker.id}.")) for name in finished):
            return True
        return any(path.exists() for entry in held for path in self._row_files(worker.queue, entry))

    def _grew(self, queue: str) -> bool:
        """Whether there are more rows than when a worker of this queue ended early the last time.

        A worker that gave back all that it held before its time was up has left no other trace.
        """
        place = self.folder.path / ("scores" if queue == EVAL_QUEUE else "predictions")
        model = "*" if queue == EVAL_QUEUE else safe_name(self._model_of(queue).abbr)
        size = sum(path.stat().st_size for path in place.glob(f"{model}/*/*.jsonl"))
        before, self._bytes[queue] = self._bytes.get(queue, 0), size
        return size > before

    def _row_files(self, queue: str, entry: Entry) -> Iterator[Path]:
        """Where the rows of an attempt at a task lie."""
        found = self._finders[queue].find(entry.name)
        if found is not None:
            pair, start, stop = found
            if queue == EVAL_QUEUE:
                file = score_file(shard_name(start, stop, pair.eval_fingerprint), entry)
                yield self.folder.scores(pair.model, pair.dataset) / file
            else:
                file = answer_file(shard_name(start, stop, pair.fingerprint), entry.attempts)
                yield self.folder.predictions(pair.model, pair.dataset) / file

    def _live(self, queue: str) -> int:
        return sum(worker.queue == queue and not worker.seen_over for worker in self._workers.values())

    def _withdraw(self, queue: str) -> None:
        """Somebody cancelled a worker: it is not replaced; when it was the last one, none of them is."""
        self._withdrawn[queue] = self._withdrawn.get(queue, 0) + 1 if self._live(queue) else GONE

    def _stop_if_withdrawn(self) -> None:
        """Somebody cancelled all workers of a queue: when no model is left at work, the run stops here."""
        models = (name for name in self._queues if name != EVAL_QUEUE)
        if not any(count >= GONE for count in self._withdrawn.values()) or any(map(self._live, models)):
            return
        left = [worker.id for worker in self._workers.values() if not worker.seen_over]
        if left:
            self._pools["eval"].runner.cancel(left)
        raise Interrupted("its jobs were cancelled")

    def _broken(self, worker: _Worker) -> bool:
        """Whether the worker itself reported its tasks as broken before it ended."""
        return any(
            worker.is_named(row["owner"])
            for entry in self._queues[worker.queue].entries("broken")
            for row in self._queues[worker.queue].reasons(entry.name)
        )

    def _give_up(self, queue: str, reason: str, kind: str) -> None:
        self._reapers[queue].retry = -1  # what is broken now is given up at the next sweep
        self._reapers[queue].sweep()
        self._queues[queue].fail_ready(reason, kind=kind)

    # ------------------------------------------------------------------ stopping
    def _stop(self) -> None:
        try:
            self._cancel(now=False)
        except KeyboardInterrupt:
            self._cancel(now=True)
        for name, queue in self._queues.items():
            self._recover(name, queue)

    def _cancel(self, *, now: bool) -> None:
        for pool in self._pools.values():
            pool.runner.cancel(now=now)


@contextlib.contextmanager
def driving(folder: RunFolder) -> Iterator[dict[str, object] | None]:
    """Hold the run's driver lock while it lasts; yields what is known of another driver when there is one."""
    lock = DriverLock(folder.lock_file)
    other = lock.acquire()
    try:
        yield other
    finally:
        lock.release()
