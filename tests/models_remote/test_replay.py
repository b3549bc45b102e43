"""Replay models: answers from files, found by key, prompt or sample id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalsuite.errors import UserError
from evalsuite.models.replay import ReplayChatModel, ReplayModel
from evalsuite.types import Message, OptionScore, Request


def write(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_answers_by_key_then_prompt_then_id(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.jsonl",
        {"key": "k1", "prediction": "by key"},
        {"prompt": "p2", "completion": "by prompt", "finish_reason": "length"},
        {"task_id": "HumanEval/3", "solution": "by id"},
    )
    asked = [
        Request("k1", "p2"),
        Request("x", "p2", sample_id="HumanEval/3"),
        Request("y", "other", sample_id="HumanEval/3"),
        Request("z", "nowhere"),
    ]
    answers = list(ReplayModel(file).generate(asked))
    assert [answer.text for answer in answers] == ["by key", "by prompt", "by id", ""]
    assert answers[1].finish == "length"
    assert answers[3].error is not None
    assert answers[3].error.kind == "no_answer"
    assert next(ReplayModel(file, missing="empty").generate(asked[3:])).error is None


def test_repeats_come_from_lists_or_from_several_lines(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", {"prompt": "p", "prediction": ["one", "two"]})
    write(tmp_path / "b.jsonl", {"id": 7, "prediction": "x"}, {"id": 7, "prediction": "y"})
    model = ReplayModel(str(tmp_path))
    asked = [Request(f"k{i}", "p", repeat=i) for i in range(3)]
    assert [answer.text for answer in model.generate(asked)] == ["one", "two", ""]
    asked = [Request(f"k{i}", "q", repeat=i, sample_id="7") for i in range(2)]
    assert [answer.text for answer in model.generate(asked)] == ["x", "y"]


def test_messages_are_matched_by_role_and_content(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", {"prompt": [{"role": "user", "content": "hi"}], "output": "there"})
    (answer,) = ReplayChatModel(file).generate([Request("k", (Message("user", "hi"),))])
    assert answer.text == "there"


def test_option_scores(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.jsonl", {"key": "k", "options": [-1.5, {"logprob": -2.0, "tokens": 3, "greedy": True}]}
    )
    (answer,) = ReplayModel(file).loglikelihood([Request("k", "p", continuations=("a", "b"))])
    assert answer.options == (OptionScore(-1.5, 1, 1), OptionScore(-2.0, 3, 3, True))
    (absent,) = ReplayModel(file).loglikelihood([Request("k", "p", continuations=("a",))])
    assert absent.error is not None


@pytest.mark.parametrize(
    ("line", "word"), [("{nonsense", "not a JSON line"), ('{"text": "x"}', "names no request")]
)
def test_a_bad_line_is_told_with_its_place(tmp_path: Path, line: str, word: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"key": "a", "text": "b"}\n' + line + "\n")
    with pytest.raises(UserError, match=f"a.jsonl:2.*{word}"):
        ReplayModel(str(file))


def test_a_missing_file_is_told() -> None:
    with pytest.raises(UserError, match="no such file"):
        ReplayModel("/nowhere/answers.jsonl")
