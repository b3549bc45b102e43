"""Finished tasks are put on the disk beside the work: nobody waits for a disk between two answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

THREADS = 8
LIMIT = 64
"""So many tasks may wait for the disk; a worker that finishes faster waits with them."""


class Settler:
    """Runs what makes finished tasks durable and known, a few at a time.

    A task is marked done only when its rows are on the disk itself. To wait for that after each task would
    cost more than a small task does; disks, and the journals of file systems, take several at once for the
    price of one.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "settle")
        self._pending: deque[Future[None]] = deque()

    def submit(self, settle: Callable[[], None]) -> None:
        """Settle a task soon; what went wrong with earlier ones is raised here."""
        self._pending.append(self._pool.submit(settle))
        while self._pending and (len(self._pending) > LIMIT or self._pending[0].done()):
            self._pending.popleft().result()

    def drain(self) -> None:
        """Wait until all is settled."""
        while self._pending:
            self._pending.popleft().result()

    def close(self) -> None:
        """Let what was handed over come to its end, well or badly."""
        self._pool.shutdown()
