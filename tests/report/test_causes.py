"""Failures as people read them: one line for a thousand prompts that are too long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalsuite.report.causes import WIDTH, Causes


def counted(*causes: str) -> dict[str, int]:
    found = Causes()
    for cause in causes:
        found.add(cause)
    return found.counts()


def test_many_that_differ_by_their_numbers_are_one_with_its_range() -> None:
    causes = [f"too_long: the prompt has {1025 + n} tokens, the window 1024" for n in (8, 3, 400, 77, 5, 3)]
    assert counted(*causes) == {"too_long: the prompt has 1028 to 1425 tokens, the window 1024": 6}


def test_few_are_told_apart() -> None:
    assert counted("HTTP 429", "HTTP 500", "HTTP 429") == {"HTTP 429": 2, "HTTP 500": 1}


def test_names_and_measures_are_no_numbers() -> None:
    causes = [f"no file model-{n}.bin after {n}ms" for n in range(9)]
    assert len(counted(*causes)) == 9


def test_the_most_frequent_stands_first() -> None:
    assert list(counted("a", "b", "b")) == ["b", "a"]


@given(st.lists(st.text(alphabet="ab 019.-\0\n", max_size=WIDTH + 9), max_size=40))
def test_every_failure_is_in_one_line(causes: list[str]) -> None:
    found = counted(*causes)
    assert sum(found.values()) == len(causes)
    assert not any("\n" in text or "\0" in text for text in found)
