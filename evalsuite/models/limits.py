"""How many calls may be under way at an endpoint, how fast they start, how long to wait after a failure.

All of this lives in the one event loop of the process, so nothing here takes a lock.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass

CUT = 0.5


class Gate:
    """Adaptive concurrency at one endpoint, shared by everything in the process that calls it.

    Outcomes are counted in rounds of as many calls as may be under way. In a clean round the gate opens by
    one with each answer while it is full, up to the width at which it was last cut, and by one per round
    beyond that. A round with refusals for load narrows it by their share, so that one odd refusal costs
    little, and by half at most; that is done as soon as half a round was refused. What started before the
    last cut tells nothing new and is not counted.
    """

    def __init__(self, start: int, ceiling: int) -> None:
        self.ceiling = max(1, ceiling)
        self._width = float(min(max(1, start), self.ceiling))
        self._calm_up_to = float(self.ceiling)
        self._active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._epoch = 0
        self._round = int(self._width)
        self._seen = 0
        self._refused = 0
        self.cuts = 0

    @property
    def limit(self) -> int:
        """How many calls may be under way at present."""
        return int(self._width)

    @property
    def active(self) -> int:
        """How many calls are under way or waiting."""
        return self._active + len(self._waiting)

    def widen(self, start: int, ceiling: int) -> None:
        """Another model asks for this endpoint: the most generous wish holds until the endpoint objects."""
        if ceiling > self.ceiling and self._calm_up_to >= self.ceiling:
            self._calm_up_to = float(ceiling)
        self.ceiling = max(self.ceiling, ceiling)
        if not self.cuts:
            self._width = max(self._width, float(min(start, self.ceiling)))

    async def enter(self) -> int:
        """Wait for a place; returns the epoch in which the call starts."""
        if self._active < int(self._width) and not self._waiting:
            self._active += 1
            return self._epoch
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()  # the place was given in the same moment: pass it on
            raise
        return self._epoch

    def leave(self) -> None:
        """Give the place back."""
        self._active -= 1
        self._admit()

    def succeeded(self, epoch: int) -> None:
        """A clean answer to a call that started in `epoch`: open further, if it is we who hold calls back."""
        if not self._refused and self._width < self.ceiling and self._active >= int(self._width):
            self._width += 1.0 if self._width < self._calm_up_to else 1.0 / self._width
            self._width = min(self._width, float(self.ceiling))
        self._count(epoch, refused=False)

    def overloaded(self, epoch: int) -> None:
        """The endpoint refused for load, or did not answer in time, a call that started in `epoch`."""
        self._count(epoch, refused=True)

    def _count(self, epoch: int, *, refused: bool) -> None:
        if epoch != self._epoch:
            return
        self._seen += 1
        self._refused += refused
        if self._refused >= CUT * self._round or (self._refused and self._seen >= self._round):
            self._epoch += 1
            self.cuts += 1
            self._width = max(1.0, self._width * max(CUT, 1.0 - self._refused / self._seen))
            self._calm_up_to = self._width
        elif self._seen < self._round:
            return
        self._round, self._seen, self._refused = int(self._width), 0, 0

    def _admit(self) -> None:
        while self._waiting and self._active < int(self._width):
            place = self._waiting.popleft()
            if not place.done():
                self._active += 1
                place.set_result(None)


class Pace:
    """At most so many starts per second, evenly spaced; no limit when the rate is None."""

    def __init__(self, per_second: float | None) -> None:
        self._gap = 1.0 / per_second if per_second else 0.0
        self._next = 0.0

    async def wait(self) -> None:
        """Wait until the next start is due."""
        if not self._gap:
            return
        now = asyncio.get_running_loop().time()
        due = max(now, self._next)
        self._next = due + self._gap
        if due > now:
            await asyncio.sleep(due - now)


@dataclass(frozen=True)
class Backoff:
    """The wait before the next attempt: doubling, capped, and spread so that callers do not march in step."""

    first: float = 0.5
    longest: float = 30.0

    def seconds(self, failures: int, retry_after: float | None = None) -> float:
        """The wait after so many failures in a row; the server's own wish is never undercut."""
        ceiling = min(self.longest, self.first * 2.0 ** min(failures - 1, 30))
        spread = ceiling * random.uniform(0.5, 1.0)
        if retry_after is None:
            return spread
        return retry_after + min(spread, self.first + 0.1 * retry_after)
