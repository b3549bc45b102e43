"""Faults that are the machine's and not the program's: told apart here, and tried again by the pool."""

from __future__ import annotations

import threading
from pathlib import Path

_COUNTS = Path("/proc/vmstat")


class WorkerLost(Exception):
    """The worker ended, or never started, for a reason that is not the program's."""


class _Killer:
    """Notices that the kernel killed processes for want of memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen = self._count()

    @staticmethod
    def _count() -> int:
        try:
            for line in _COUNTS.read_text(encoding="ascii").splitlines():
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
        except (OSError, ValueError):
            return 0  # a kernel that does not say
        return 0

    def struck(self) -> bool:
        """Whether it did since this was asked last."""
        with self._lock:
            before, self._seen = self._seen, self._count()
            return self._seen > before


_killer = _Killer()


def stop_if_out_of_memory() -> None:
    """To be asked about a process that SIGKILL ended and nobody here: the kernel may have chosen it."""
    if _killer.struck():
        raise WorkerLost("the machine ran out of memory, and the kernel killed a process")
