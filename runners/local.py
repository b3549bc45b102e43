"""Runs jobs in this process, one after another, so that a debugger and a profiler see everything."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from runners.base import Job, JobId, JobState


class LocalRunner:
    """`submit` queues, and each `poll` runs the next job to its end in the calling thread.

    `raise_errors` lets an exception of a job travel to the caller, for a post-mortem debugger; otherwise its
    traceback goes to the terminal and to the job's log, and the job is failed. KeyboardInterrupt always
    passes: the job is then cancelled, and those behind it still wait.
    """

    def __init__(self, *, raise_errors: bool = False) -> None:
        self.raise_errors = raise_errors
        self._waiting: list[Job] = []
        self._states: dict[JobId, JobState] = {}

    def submit(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            old = self._states.get(job.id)
            if old is not None and not old.over:
                raise ValueError(f"job {job.id!r} is already {old.phase}")
            self._states[job.id] = JobState("pending")
            self._waiting.append(job)

    def poll(self) -> Mapping[JobId, JobState]:
        if self._waiting:
            job = self._waiting.pop(0)
            self._states[job.id] = JobState("running")
            try:
                self._states[job.id] = self._run(job)
            finally:
                if not self._states[job.id].over:  # an exception is on its way out
                    self._states[job.id] = JobState("cancelled", reason="interrupted", kind="cancelled")
        return dict(self._states)

    def cancel(self, ids: Sequence[JobId] | None = None, *, now: bool = False) -> None:
        gone = [job.id for job in self._waiting if ids is None or job.id in ids]
        self._waiting = [job for job in self._waiting if job.id not in gone]
        for id in gone:
            self._states[id] = JobState("cancelled", reason="cancelled before it started", kind="cancelled")

    def _run(self, job: Job) -> JobState:
        try:
            with _environment(job.env):
                code = _call(job)
        except Exception as error:
            if self.raise_errors:
                raise
            traceback.print_exc()
            job.log.parent.mkdir(parents=True, exist_ok=True)
            with job.log.open("a", encoding="utf-8") as log:
                traceback.print_exc(file=log)
            said = f"{type(error).__name__}: {error}".rstrip(": ")
            return JobState("failed", 1, said, "exit")
        return JobState("done", 0) if code == 0 else JobState("failed", code, f"exit code {code}", "exit")


def _call(job: Job) -> int:
    """The exit code of `entry(args)`, read as the interpreter reads `sys.exit(entry(args))`."""
    module, _, name = job.entry.partition(":")
    result: object
    try:
        result = getattr(importlib.import_module(module), name)(list(job.args))
    except SystemExit as stop:
        result = stop.code
    if result is None:
        return 0
    if isinstance(result, int):
        return int(result)
    sys.stderr.write(f"{result}\n")
    return 1


@contextmanager
def _environment(extra: Mapping[str, str]) -> Iterator[None]:
    """The job's variables, for as long as it runs."""
    before = {name: os.environ.get(name) for name in extra}
    os.environ.update(extra)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
