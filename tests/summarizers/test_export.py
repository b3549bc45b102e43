"""Predictions and results in the layout that scripts written for OpenCompass read."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from evalsuite.summarizers import write_predictions, write_results
from evalsuite.types import Counts, Metric, Result


def row(index: int, text: str, prompt: Any = "p", repeat: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": f"s{index}",
        "index": index,
        "repeat": repeat,
        "prompt": prompt,
        "answer": {"text": text, **more.pop("answer", {})},
        "gold": more.pop("gold", "g"),
        **more,
    }


def written(rows: list[dict[str, Any]], size: int) -> Any:
    file = io.StringIO()
    count = write_predictions(file, rows, size=size)
    loaded = json.loads(file.getvalue())
    assert count == len(loaded) == len(rows)
    return loaded


def test_generated_texts() -> None:
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    found = written([row(0, "x", "q"), row(1, "y", messages, gold=0)], 2)
    assert found["0"] == {"origin_prompt": "q", "prediction": "x", "gold": "g"}
    assert found["1"] == {
        "origin_prompt": [{"role": "HUMAN", "prompt": "q"}, {"role": "BOT", "prompt": "a"}],
        "prediction": "y",
        "gold": 0,
    }


def test_repeats_are_numbered_like_a_dataset_repeated_as_a_whole() -> None:
    rows = [row(i, f"{i}.{r}", repeat=r) for i in range(3) for r in range(2)]
    found = written(rows, 3)
    assert [found[str(i)]["prediction"] for i in range(6)] == ["0.0", "1.0", "2.0", "0.1", "1.1", "2.1"]


def test_a_failed_answer_is_empty_and_says_why() -> None:
    failed = row(0, "", answer={"error": {"kind": "timeout", "message": "60 s"}})
    assert written([failed], 1)["0"]["error"] == "timeout: 60 s"


def test_options_with_their_perplexities() -> None:
    options = [{"logprob": -6.0, "tokens": 4, "scored": 3}, {"logprob": -2.0, "tokens": 4, "scored": 4}]
    entry = written([row(0, "B", {"A": "q A", "B": "q B"}, answer={"options": options})], 1)["0"]
    assert list(entry) == ["in-context examples", "label: A", "label: B", "prediction", "gold"]
    assert entry["label: A"] == {"testing input": "q A", "prompt": "q A", "PPL": 2.0}
    assert entry["label: B"]["PPL"] == 0.5


def test_no_rows_are_an_empty_object() -> None:
    assert written([], 0) == {}


def test_rows_are_written_as_they_come() -> None:
    file = io.StringIO()
    seen: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for i in range(3):
            seen.append(len(file.getvalue()))
            yield row(i, "x" * 100)

    write_predictions(file, rows(), size=3)
    assert seen == sorted(seen)
    assert seen[2] > 200


RESULT = Result(
    "m",
    "d",
    {"accuracy": Metric(50.0, 2, 35.4, 50.0, 50.0), "f1": Metric(40.0, 2, None)},
    Counts(2, 2),
    "v",
    "gen",
    "accuracy",
)


def test_results_with_details() -> None:
    verdict = {"status": "right", "correct": True, "extra": {"extracted": "4"}}
    file = io.StringIO()
    assert write_results(file, RESULT, [row(0, "it is 4", gold="4", score=verdict)], size=1) == 1
    found = json.loads(file.getvalue())
    assert (found["accuracy"], found["f1"], found["n"]) == (50.0, 40.0, 2)
    assert found["stderr"] == {"accuracy": 35.4, "f1": None}
    assert found["details"]["type"] == "GEN"
    assert found["details"]["0"] == {
        "example_id": "s0",
        "prompt": "p",
        "origin_prediction": "it is 4",
        "predictions": "4",
        "references": "4",
        "correct": True,
        "status": "right",
    }


def test_results_without_details() -> None:
    file = io.StringIO()
    write_results(file, RESULT)
    assert "details" not in json.loads(file.getvalue())


def test_a_number_over_no_samples_is_null() -> None:
    file = io.StringIO()
    write_results(file, replace(RESULT, metrics={"accuracy": Metric(0.0, 0, None)}))
    assert json.loads(file.getvalue())["accuracy"] is None


@given(st.lists(st.text(max_size=20), max_size=5))
def test_any_text_survives(texts: list[str]) -> None:
    found = written([row(i, text, prompt=text, gold=text) for i, text in enumerate(texts)], len(texts))
    assert [found[str(i)]["prediction"] for i in range(len(texts))] == texts
