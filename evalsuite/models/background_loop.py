"""One event loop per process, in a thread of its own, and the stream that leads through it.

The rest of the program is synchronous and pulls answers from a generator; behind it, calls overlap.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from queue import SimpleQueue
from typing import Any, TypeVar

from evalsuite.types import Answer, Request

T = TypeVar("T")
MAX_ASLEEP = 1024

_lock = threading.Lock()
_started: tuple[int, asyncio.AbstractEventLoop] | None = None


def background_loop() -> asyncio.AbstractEventLoop:
    """The process's loop, started on first use (and anew in a forked child, where no thread survives)."""
    global _started
    with _lock:
        if _started is None or _started[0] != os.getpid():
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="model-calls", daemon=True).start()
            _started = (os.getpid(), loop)
        return _started[1]


def in_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine in the process's loop and wait for what it returns."""
    return asyncio.run_coroutine_threadsafe(coroutine, background_loop()).result()


class Stream:
    """Leads requests into the loop and answers out of it, with a bounded number in between.

    Requests are pulled in the consumer's thread, and only while fewer than `window()` are worked on. A
    request that waits for its next attempt does not count, so that a few slow ones do not hold up all
    others; but only `MAX_ASLEEP` may wait in that way. What `answer` raises ends the stream.
    """

    def __init__(
        self,
        requests: Iterable[Request],
        answer: Callable[[Request, Stream], Coroutine[Any, Any, Answer]],
        window: Callable[[], int],
    ) -> None:
        self._requests = iter(requests)
        self._answer = answer
        self._window = window
        self._loop = background_loop()
        self._inbox: deque[Request] = deque()
        self._outbox: SimpleQueue[Answer | BaseException | None] = SimpleQueue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._called = False
        self._closed = False
        self._in_hand = 0
        self._asleep = 0

    def __iter__(self) -> Iterator[Answer]:
        more = True
        try:
            while more or self._in_hand:
                # A burst of answers must not wait for many prompts to be built, nor starve the loop.
                pulls = 0
                while more and self._wants_more() and (pulls < 2 or self._outbox.empty()):
                    request = next(self._requests, None)
                    if request is None:
                        more = False
                        break
                    pulls += 1
                    self._in_hand += 1
                    self._inbox.append(request)
                    if not self._called:
                        self._called = True
                        self._loop.call_soon_threadsafe(self._take)
                if not self._in_hand:
                    return
                item = self._outbox.get()
                if item is None:
                    continue
                if isinstance(item, BaseException):
                    raise item
                self._in_hand -= 1
                yield item
        finally:
            self._loop.call_soon_threadsafe(self._close)

    async def sleep(self, seconds: float) -> None:
        """Wait, in the loop, without counting as being worked on."""
        self._asleep += 1
        self._outbox.put(None)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._asleep -= 1

    def _wants_more(self) -> bool:
        return self._in_hand - min(self._asleep, MAX_ASLEEP) < self._window()

    def _take(self) -> None:
        """Start what was handed over; one call does for all that came since the last one."""
        self._called = False
        while self._inbox and not self._closed:
            task = self._loop.create_task(self._run(self._inbox.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, request: Request) -> None:
        try:
            item: Answer | BaseException = await self._answer(request, self)
        except asyncio.CancelledError:
            if self._closed:
                raise
            item = RuntimeError(f"the call for {request.key} was cancelled, and not by us")
        except Exception as error:  # handed to the consumer's thread and raised there
            item = error
        self._outbox.put(item)

    def _close(self) -> None:
        self._closed = True
        for task in list(self._tasks):
            task.cancel()
