"""Parsing beside other threads: the parser's own faults are nobody's answer."""

from __future__ import annotations

import threading
import time
import warnings
from typing import Any

import pytest

from evalsuite import syntax


class _Garbage:
    """What the collector finds in the middle of a parse, and which lets another thread go on."""

    def __init__(self) -> None:
        self.itself: Any = self

    def __del__(self) -> None:
        for _ in range(200):
            pass


def test_threads_that_parse_at_once_are_all_understood() -> None:
    text = "assert {'u': 10, 'v': [2, (3, 4)]} == f({'u': [1, 2, (3,)], 'v': -1})"
    wrong: list[BaseException] = []
    end = time.monotonic() + 3

    def parse() -> None:
        while time.monotonic() < end and not wrong:
            _Garbage()
            try:
                syntax.module(text)
                syntax.literal("{'u': 10, 'v': [2, (3, 4)]}")
            except BaseException as error:
                wrong.append(error)

    threads = [threading.Thread(target=parse) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_is_read_is_not_warned_of_and_others_are_still_heard() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        syntax.module("'\\d' is 1")
        assert not heard
        warnings.warn("still here", stacklevel=1)
    assert [str(one.message) for one in heard] == ["still here"]


def test_what_is_no_python_is_refused_as_ever() -> None:
    for read in (syntax.module, syntax.expression, syntax.literal):
        with pytest.raises(SyntaxError):
            read("1 +")
