"""The stream through the loop: bounded, complete, and never silent."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from evalsuite.models.background_loop import Stream, background_loop
from evalsuite.types import Answer, Request


def requests(n: int) -> Iterator[Request]:
    for number in range(n):
        yield Request(str(number), "p")


async def at_once(request: Request, stream: Stream) -> Answer:
    await asyncio.sleep(0)
    return Answer(request.key)


def test_every_request_comes_out_once_whatever_the_window() -> None:
    for window in (1, 3, 1000):
        keys = [answer.key for answer in Stream(requests(200), at_once, lambda width=window: width)]  # type: ignore[misc]
        assert sorted(keys, key=int) == [str(number) for number in range(200)]


def test_an_empty_stream_ends() -> None:
    assert list(Stream(requests(0), at_once, lambda: 4)) == []


def test_what_a_call_raises_ends_the_stream_and_what_the_source_raises_too() -> None:
    async def fails(request: Request, stream: Stream) -> Answer:
        if request.key == "3":
            raise ZeroDivisionError("a defect")
        return Answer(request.key)

    with pytest.raises(ZeroDivisionError, match="a defect"):
        list(Stream(requests(1000), fails, lambda: 2))

    def broken() -> Iterator[Request]:
        yield Request("0", "p")
        raise LookupError("no prompt")

    with pytest.raises(LookupError, match="no prompt"):
        list(Stream(broken(), at_once, lambda: 2))


def test_a_cancelled_call_is_told_and_not_waited_for() -> None:
    async def cancelled(request: Request, stream: Stream) -> Answer:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="cancelled, and not by us"):
        list(Stream(requests(1), cancelled, lambda: 1))


def test_calls_asleep_do_not_hold_up_the_others() -> None:
    release = threading.Event()

    async def sleepy(request: Request, stream: Stream) -> Answer:
        if int(request.key) < 5:
            while not release.is_set():
                await stream.sleep(0.005)
        return Answer(request.key)

    keys = []
    for answer in Stream(requests(50), sleepy, lambda: 3):
        keys.append(answer.key)
        if len(keys) == 45:
            release.set()
    assert {int(key) for key in keys[45:]} == set(range(5))


def test_an_interrupt_reaches_the_consumer_that_waits() -> None:
    async def hangs(request: Request, stream: Stream) -> Answer:
        await asyncio.sleep(60)
        return Answer(request.key)

    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        list(Stream(requests(5), hangs, lambda: 2))
    timer.join()


def test_a_forked_child_has_a_loop_of_its_own() -> None:
    background_loop()
    child = os.fork()
    if child == 0:
        answered = len(list(Stream(requests(3), at_once, lambda: 2)))
        os._exit(0 if answered == 3 else 1)
    assert os.waitpid(child, 0)[1] == 0
