"""Self-consistency: several draws, one vote each, and the majority's text as the answer."""

from __future__ import annotations

from typing import Any

import pytest

from evalsuite.errors import UserError
from evalsuite.types import Answer, Sample

from .conftest import ask, make


def voting(extractor: Any = None, size: int = 3, **options: Any) -> dict[str, Any]:
    return {
        "prompt_template": {"template": "{q}"},
        "inferencer": {
            "type": "SCInferencer",
            "sc_size": size,
            "generation_kwargs": {"temperature": 0.7},
            **({"extractor": extractor} if extractor else {}),
            **options,
        },
    }


def answers(*texts: str) -> Any:
    said = iter(texts)
    return lambda request: Answer(request.key, next(said), output_tokens=5)


def test_the_majority_decides_and_its_first_text_is_the_answer(sample: Sample) -> None:
    exchange = make(voting(r"answer is (\d+)", 4)).exchange(sample, 0)
    result, asked = ask(
        exchange,
        answers("the answer is 7", "the answer is 12", "hmm", "so the answer is 3. No: answer is 12"),
    )
    assert result.text == "the answer is 12"
    assert result.extra["votes"] == {"7": 1, "12": 2}
    assert result.extra["extracted"] == ["7", "12", None, "12"]
    assert (result.extra["majority"], len(result.extra["texts"])) == ("12", 4)
    assert result.output_tokens == 20
    assert len({request.key for request in asked}) == 4


def test_repeats_draw_other_texts(sample: Sample) -> None:
    built = make(voting())
    draws = [request.repeat for repeat in (0, 1) for request in built.exchange(sample, repeat).start()]
    assert draws == [0, 1, 2, 3, 4, 5]
    assert built.exchange(sample, 0).key != built.exchange(sample, 1).key


def test_where_nobody_has_an_answer_the_first_text_stands(sample: Sample) -> None:
    result, _ = ask(make(voting(r"(\d+)", 2)).exchange(sample, 0), answers("none", "nothing"))
    assert (result.text, result.extra["majority"]) == ("none", None)


def test_of_equals_the_first_drawn_wins(sample: Sample) -> None:
    result, _ = ask(make(voting(None, 2)).exchange(sample, 0), answers(" b ", "a"))
    assert result.text == " b "


def test_the_extractor_is_part_of_the_key(sample: Sample) -> None:
    keys = {make(voting(rule)).exchange(sample, 0).key for rule in (None, r"\d", r"\w")}
    assert len(keys) == 3


def test_greedy_votes_and_broken_expressions_are_told() -> None:
    with pytest.raises(UserError, match="temperature"):
        make(voting(generation_kwargs={}))
    with pytest.raises(UserError, match="regular expression"):
        make(voting("("))
