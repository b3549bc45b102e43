"""The signs of life of a worker: its heartbeat, and the word by which it is asked to stop."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalsuite.store.leases import LEASE_SECONDS, Lease, Queue

BEATS_PER_LEASE = 10
LEASE_VARIABLE = "EVALSUITE_LEASE_SECONDS"
"""Tells a worker how long it may be silent: where that is long, hearts beat seldom."""
EXIT_STOPPED = 75
"""A worker that was asked to stop and gave its tasks back leaves with this status (try again later)."""


class Stopped(Exception):
    """The worker was asked to stop."""


def lease_seconds() -> float:
    """How long this worker may be silent before others take its tasks."""
    return float(os.environ.get(LEASE_VARIABLE, LEASE_SECONDS))


@dataclass
class Heart:
    """Beats for a worker and all that it holds, from a thread: long model calls do not end its leases."""

    queue: Queue
    owner: str
    seconds: float = field(default_factory=lambda: lease_seconds() / BEATS_PER_LEASE)
    _held: dict[str, Callable[[], Mapping[str, Any]]] = field(default_factory=dict)
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def hold(self, lease: Lease, progress: Callable[[], Mapping[str, Any]]) -> None:
        """Tell with each beat from now on how far this task is."""
        self._held[lease.name] = progress
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="heart", daemon=True)
            self._thread.start()

    def drop(self, lease: Lease) -> None:
        """Speak no more of a task."""
        self._held.pop(lease.name, None)

    def _run(self) -> None:
        while not self._end.wait(self.seconds):
            held = {name: progress() for name, progress in list(self._held.items())}
            # A full disk or a file system that is away for a moment must not stop the heart for good.
            with contextlib.suppress(OSError):
                self.queue.beat(self.owner, held)

    def stop(self) -> None:
        """End the thread; nothing is held any more."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(self.seconds)
        self.queue.forget(self.owner)
