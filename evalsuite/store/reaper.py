"""The watch over a queue: it ends the leases of the dead and brings broken tasks back."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from evalsuite.store.entries import Entry
from evalsuite.store.leases import LEASE_SECONDS, Queue

BACKOFF_SECONDS = 1.0
BACKOFF_LIMIT = 60.0
SWEEPS_PER_LEASE = 20
"""Hearts are looked at so often while a lease lasts without them."""


@dataclass
class Reaper:
    """Ends the leases of workers that went silent, brings broken tasks back after a pause, gives up at last.

    Any number of reapers may watch one queue: every move has one winner. Only what is held is looked at, once
    for each worker that holds something; how many tasks there are does not matter.
    """

    queue: Queue
    retry: int = 2
    lease_seconds: float = LEASE_SECONDS
    backoff: float = BACKOFF_SECONDS
    clock: Callable[[], float] = time.monotonic
    _swept: float | None = None
    _listened: float | None = None
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)
    _broken: dict[str, float] = field(default_factory=dict)

    def sweep(self) -> list[str]:
        """One look at the queue; the owners whose hearts have stopped."""
        now = self.clock()
        if self._swept is not None and now - self._swept > self.lease_seconds / 2:
            # This watcher was away itself (suspended, or its file system was, and the workers' with it):
            # what nobody watched does not count as silence.
            away = now - self._swept
            self._seen = {owner: (beat, first + away) for owner, (beat, first) in self._seen.items()}
        self._swept = now
        silent = self._sweep_leases(now)
        self._sweep_broken(now)
        return silent

    def release(
        self, owners: Collection[str], reason: str, *, kind: str = "exit", counted: bool = True
    ) -> int:
        """End the leases of workers that are known to be dead, without waiting for their hearts."""
        ended = 0
        for entry in list(self.queue.entries("leased")):
            if any(entry.is_owned_by(owner) for owner in owners):
                ended += self.queue.break_lease(entry, reason, kind=kind, counted=counted)
                self.queue.forget(entry.owner)
        return ended

    def _sweep_leases(self, now: float) -> list[str]:
        if self._listened is not None and now - self._listened < self.lease_seconds / SWEEPS_PER_LEASE:
            return []
        self._listened = now
        held: dict[str, list[Entry]] = {}
        for entry in self.queue.entries("leased"):
            held.setdefault(entry.owner, []).append(entry)
        seen, self._seen = self._seen, {}
        silent: list[str] = []
        for owner, entries in held.items():
            beat = self.queue.last_beat(owner)
            known = seen.get(owner)
            since = known[1] if known and known[0] == beat else now
            if now - since <= self.lease_seconds:
                self._seen[owner] = (beat, since)
                continue
            reason = f"worker {owner} gave no sign of life for {self.lease_seconds:g} s"
            ended = [self.queue.break_lease(entry, reason, kind="lost", counted=True) for entry in entries]
            if any(ended):
                silent.append(owner)
        return silent

    def _sweep_broken(self, now: float) -> None:
        current: dict[str, float] = {}
        for entry in list(self.queue.entries("broken")):
            if entry.failures > self.retry:
                self.queue.give_up(entry)
                continue
            first = self._broken.get(entry.file, now)
            pause = (
                0.0 if not entry.failures else min(BACKOFF_LIMIT, self.backoff * 2 ** (entry.failures - 1))
            )
            if now - first >= pause:
                self.queue.bring_back(entry)
            else:
                current[entry.file] = first
        self._broken = current
