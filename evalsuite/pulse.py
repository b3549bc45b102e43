"""The signs of life of a worker: its heartbeat, and the word by which it is asked to stop."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalsuite.store.leases import LEASE_SECONDS, Lease

EXIT_STOPPED = 75
"""A worker that was asked to stop and gave its tasks back leaves with this status (try again later)."""


class Stopped(Exception):
    """The worker was asked to stop."""


@dataclass
class Heart:
    """Beats for all leases that this worker holds, from a thread: long model calls do not end them."""

    seconds: float = LEASE_SECONDS / 6
    _leases: dict[str, tuple[Lease, Callable[[], Mapping[str, Any]]]] = field(default_factory=dict)
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def hold(self, lease: Lease, progress: Callable[[], Mapping[str, Any]]) -> None:
        """Keep this lease alive from now on."""
        self._leases[lease.name] = (lease, progress)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="heart", daemon=True)
            self._thread.start()

    def drop(self, lease: Lease) -> None:
        """Stop beating for a lease."""
        self._leases.pop(lease.name, None)

    def _run(self) -> None:
        while not self._end.wait(self.seconds):
            for lease, progress in list(self._leases.values()):
                if not lease.lost:
                    # A full disk or a file system that is away for a moment must not stop the heart for good.
                    with contextlib.suppress(OSError):
                        lease.beat(progress())

    def stop(self) -> None:
        """End the thread."""
        self._end.set()
