"""A small dataset, and a model that answers by rule, for all tests of this room."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from evalsuite.inferencers import build_inferencer
from evalsuite.inferencers.base import Exchange, Inferencer
from evalsuite.types import Answer, OptionScore, Request, Sample, Sampling

READER = {"input_columns": ["q"], "output_column": "a"}
META = {
    "round": [
        {"role": "HUMAN", "begin": "H:", "end": "\n"},
        {"role": "BOT", "begin": "B:", "end": "\n", "generate": True},
    ]
}


class Rows:
    """A dataset of the rows it is given."""

    needs = ()

    def __init__(self, rows: Sequence[Mapping[str, Any]], train: Sequence[Mapping[str, Any]] = ()) -> None:
        self.rows, self.train = rows, train

    def __len__(self) -> int:
        return len(self.rows)

    def samples(self, start: int = 0, stop: int | None = None) -> Iterator[Sample]:
        for at in range(start, len(self.rows) if stop is None else stop):
            yield Sample(at, f"id{at}", self.rows[at], self.rows[at].get("a"))

    def examples(self) -> Sequence[Mapping[str, Any]]:
        return self.train

    def files(self) -> Sequence[str]:
        return ()


def make(infer_cfg: Mapping[str, Any], **given: Any) -> Inferencer:
    known: dict[str, Any] = {
        "dataset": Rows([]),
        "prompt_kind": "text",
        "meta_template": None,
        "sampling": Sampling(),
        "identity": "model",
        "count_tokens": None,
        "context": None,
    }
    reader = given.pop("reader", READER)
    return build_inferencer(infer_cfg, reader, **{**known, **given})


def ask(exchange: Exchange, answer: Callable[[Request], Answer]) -> tuple[Answer, list[Request]]:
    """Answer every request of an exchange until it has its result; the requests come back too."""
    asked: list[Request] = []
    waiting = list(exchange.start())
    while waiting:
        assert exchange.result() is None
        request = waiting.pop(0)
        asked.append(request)
        waiting += exchange.receive(answer(request))
    result = exchange.result()
    assert result is not None
    assert result.key == exchange.key
    return result, asked


def scored(*scores: OptionScore) -> Callable[[Request], Answer]:
    return lambda request: Answer(request.key, options=scores, finish="scored", seconds=1.0)


@pytest.fixture
def sample() -> Sample:
    return Sample(0, "id0", {"q": "why?", "a": "gold"}, "gold")
