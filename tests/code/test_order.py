"""How answers go through a judge: in order, with slow ones in nobody's way, and not beyond an early end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from made import given, sample

from evalsuite.errors import UserError
from evalsuite.evaluators.base import AnsweredSample
from evalsuite.evaluators.code import sandboxes
from evalsuite.evaluators.code.base import CodeEvaluator
from evalsuite.scoring import build_evaluator
from evalsuite.types import Answer, Sample, Score

EVALPLUS = "evalsuite.evaluators.code.evalplus.EvalPlusEvaluator"


class Gated(CodeEvaluator):
    """Judges at once, but for the answer `slow`, which waits for its gate."""

    def __init__(self) -> None:
        super().__init__(workers=2)
        self.pause = 0.001
        self.gate = threading.Event()
        self.judged: list[str] = []

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        if answer.text == "slow":
            self.gate.wait(60)
        time.sleep(self.pause)
        self.judged.append(sample.id)
        return Score(sample.id, repeat, "right", correct=True)


@pytest.fixture
def judge() -> Iterator[Gated]:
    made = Gated()
    yield made
    made.gate.set()
    made.close()


def items(count: int, slow: int) -> Iterator[AnsweredSample]:
    for number in range(count):
        yield sample(str(number)), [given("slow" if number == slow else "quick")]


def test_one_slow_answer_holds_up_nobody_and_the_order_stays(judge: Gated) -> None:
    found = judge.score(items(150, slow=0))
    first: list[Score] = []
    reader = threading.Thread(target=lambda: first.extend(found))
    reader.start()
    end = time.monotonic() + 60
    while len(judge.judged) < 149 and time.monotonic() < end:
        time.sleep(0.01)
    assert len(judge.judged) == 149 and not first
    judge.gate.set()
    reader.join()
    assert [score.id for score in first] == [str(number) for number in range(150)]


def test_who_stops_early_does_not_pay_for_what_was_to_come(judge: Gated) -> None:
    judge.pause = 0.02
    judge.gate.set()
    found = judge.score(items(190, slow=-1))
    assert next(iter(found)).id == "0"
    found.close()  # type: ignore[attr-defined]
    assert len(judge.judged) < 100


def test_what_is_known_to_take_long_is_begun_first(judge: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gated, "weight", lambda self, sample, answers: float(sample.id == "70"))
    judge.gate.set()
    found = judge.score(items(90, slow=70))
    assert [score.id for score in found] == [str(number) for number in range(90)]
    assert "70" in judge.judged[:3]


def test_workers_may_be_started_before_there_is_anything_to_judge() -> None:
    class Early(CodeEvaluator):
        flavour = "lean"

    judge = Early(workers=2)
    judge.warm(5)
    judge.warm(5)
    judge.close()  # waits for what has begun
    assert judge._sandbox is None
    judge.warm(1)
    assert judge.sandbox.program("print(1)").stdout == "1\n"
    judge.close()


def test_isolation_that_cannot_be_had_is_told_by_who_judges_not_by_who_starts_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object) -> None:
        raise UserError("isolation here is medium")

    judge = Gated()
    monkeypatch.setattr(sandboxes, "borrow", refused)
    judge.warm(1)
    with pytest.raises(UserError, match="medium"):
        list(judge.score(items(1, slow=-1)))
    judge.close()


@pytest.mark.parametrize(
    ("dataset", "ks"),
    [
        ({"k": [2, 4]}, (2, 4)),
        ({"k": 4}, (1, 4)),
        ({"k": 1}, (1,)),
        ({}, (1,)),
        ({"k": 4, "eval_cfg": {"evaluator": {"type": EVALPLUS, "k": 3}}}, (3,)),
    ],
)
def test_a_datasets_k_is_that_of_its_evaluator(dataset: dict[str, Any], ks: tuple[int, ...]) -> None:
    found = build_evaluator({"eval_cfg": {"evaluator": {"type": EVALPLUS}}, **dataset})
    assert found.ks == ks  # type: ignore[attr-defined]
    assert not hasattr(build_evaluator({"k": [1, 2]}), "ks")


def test_judges_that_want_the_same_share_a_sandbox_and_the_last_one_ends_it() -> None:
    first, second = CodeEvaluator(workers=1), CodeEvaluator(workers=1)
    sandbox = first.sandbox
    assert second.sandbox is sandbox
    first.close()
    first.close()
    assert second.sandbox.program("print(1)").stdout == "1\n"
    second.close()
    with pytest.raises(RuntimeError, match="closed"):
        sandbox.program("print(1)")
