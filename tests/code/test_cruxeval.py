"""CRUXEval answers: extraction, literal and other expressions, and the two Pythons."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from made import given, sample

from evalsuite.evaluators.code.cruxeval import CruxEvalEvaluator, extracted, without_new_methods

ROW = {"code": "def f(a, b=1):\n    return a + b", "input": "2, 3", "output": "5"}
OLD = {"code": "def f(s):\n    return s.removeprefix('a')", "input": "'ab'", "output": "'b'"}


@pytest.fixture(scope="module")
def inputs() -> Iterator[CruxEvalEvaluator]:
    made = CruxEvalEvaluator("input", seconds=1, workers=1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def outputs() -> Iterator[CruxEvalEvaluator]:
    made = CruxEvalEvaluator("output", workers=1)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("text", "mode", "answer"),
    [
        ("so\n[/THOUGHT]\n[ANSWER]\nassert f(16) == 17\n", "input", "f(16)"),
        ("[ANSWER]f('a == b')[/ANSWER] rest", "input", "f('a"),
        ("f(3)", "input", "f(3)"),
        ('[ANSWER]\nassert f("hi") == "bhihia"\n[/ANSWER]', "output", '"bhihia"'),
        ("[1, 2]", "output", "[1, 2]"),
    ],
)
def test_extraction_follows_the_benchmark(text: str, mode: str, answer: str) -> None:
    assert extracted(text, mode) == answer  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("f(2, 3)", "right"),
        ("f(a=4)", "right"),
        ("f(*[2], b=3)", "right"),
        ("f(2, 3) # because", "right"),
        ("f(2, 3) if True else f(1)", "right"),
        ("f(2, 4)", "wrong"),
        ("f(2", "syntax"),
        ("g(2, 3)", "unextracted"),
        ("f('x')", "wrong"),
        ("f(sum(iter(int, 1)))", "timeout"),
    ],
)
def test_inputs_are_tried(inputs: CruxEvalEvaluator, text: str, status: str) -> None:
    assert inputs.judge(sample(**ROW), given(text, "answer"), 0).status == status


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("5", "right"),
        ("2 + 3", "right"),
        ("f(2,3)", "right"),
        ("f(2, 3)", "wrong"),
        ("5.5", "wrong"),
        ("five", "wrong"),
        ("5 ==", "syntax"),
        ("", "unextracted"),
    ],
)
def test_outputs_are_compared_as_values(outputs: CruxEvalEvaluator, text: str, status: str) -> None:
    assert outputs.judge(sample(**ROW), given(text, "answer"), 0).status == status


def test_both_pythons_are_told_where_they_differ(inputs: CruxEvalEvaluator) -> None:
    score = inputs.judge(sample(**OLD), given("f('ab')", "answer"), 0)
    assert (score.correct, score.metrics) == (False, {"other_python": 1.0})
    current = CruxEvalEvaluator("input", python_semantics="current", workers=1)
    score = current.judge(sample(**OLD), given("f('ab')", "answer"), 0)
    current.close()
    assert (score.correct, score.metrics) == (True, {"other_python": 0.0})


def test_only_the_newer_methods_are_taken_away() -> None:
    assert without_new_methods("x = 1  # kept") == "x = 1  # kept"
    assert "removeprefix(" not in without_new_methods("'a'.removeprefix('a')").replace(
        "_no_removeprefix_(", ""
    )


@settings(max_examples=200, deadline=None)
@drawn(st.text(alphabet="f()=[ANSWER]/ assert\n'1,", max_size=60), st.sampled_from(["input", "output"]))
def test_no_text_breaks_extraction(text: str, mode: str) -> None:
    assert isinstance(extracted(text, mode), str)  # type: ignore[arg-type]
