"""Finished tasks are put on the disk beside the work: nobody waits for a disk between two answers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

GATHER_SECONDS = 0.05
THREADS = 16
LIMIT = 256
"""So many tasks may wait for the disk; a worker that finishes faster waits with them."""


@dataclass(frozen=True)
class _Finished:
    sync: Callable[[], None]
    mark: Callable[[], None]


class Settler:
    """Puts the rows of finished tasks on the disk, and then marks the tasks as done.

    To wait for the disk after each task would cost more than a small task does, and so would a commit of the
    file system's journal for each: what finishes within a moment is put there together, by some threads at
    once, for the price of one.
    """

    def __init__(self) -> None:
        self._finished: queue.Queue[_Finished | None] = queue.Queue(LIMIT)
        self._thread: threading.Thread | None = None
        self._hurry = threading.Event()
        self._error: BaseException | None = None

    def submit(self, sync: Callable[[], None], mark: Callable[[], None]) -> None:
        """Settle a task soon; what went wrong with earlier ones is raised here."""
        self._raise()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="settle")
            self._thread.start()
        self._finished.put(_Finished(sync, mark))

    def drain(self) -> None:
        """Wait until all is settled."""
        self.close()
        self._raise()

    def close(self) -> None:
        """Let what was handed over come to its end, well or badly."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._hurry.set()
            self._finished.put(None)
            thread.join()
            self._hurry.clear()

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        with ThreadPoolExecutor(THREADS, "sync") as pool:
            last = False
            while not last:
                together = [self._finished.get()]
                self._hurry.wait(GATHER_SECONDS)
                while not self._finished.empty():
                    together.append(self._finished.get())
                last = together[-1] is None
                tasks = [task for task in together if task is not None]
                for task, synced in [(task, pool.submit(task.sync)) for task in tasks]:
                    try:
                        synced.result()
                        task.mark()
                    except BaseException as error:
                        self._error = self._error or error
