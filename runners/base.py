"""What a runner is: it starts jobs and says how they are. It knows processes, nothing of evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

JobId = str
Phase = Literal["pending", "running", "done", "failed", "cancelled", "unknown"]


@dataclass(frozen=True)
class Resources:
    """What a job needs of a machine. `options` are a runner's own words (partition, account, ...)."""

    gpus: int = 0
    cpus: int = 1
    memory_mb: int = 0
    minutes: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One process to start: the same work as `argv` in a process of its own, or as `entry(args)` here."""

    id: JobId
    argv: tuple[str, ...]
    entry: str
    args: tuple[str, ...]
    log: Path
    group: str = ""
    resources: Resources = Resources()
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JobState:
    """How a job is. `reason` is for people: the exit code or signal in words, or a cluster's own."""

    phase: Phase
    exit_code: int | None = None
    reason: str = ""
    kind: str = ""
    node: str = ""

    @property
    def over(self) -> bool:
        """Whether this job will not run any more."""
        return self.phase in ("done", "failed", "cancelled")


class Runner(Protocol):
    """Starts jobs on some kind of machine and tells their states."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take these jobs; jobs that do not fit yet wait inside the runner or the cluster."""

    def poll(self) -> Mapping[JobId, JobState]:
        """The state of every job ever submitted, without waiting."""

    def cancel(self, ids: Sequence[JobId] | None = None, *, now: bool = False) -> None:
        """Stop these jobs (all when None): a polite signal first, `now` kills. Returns when all are gone."""
