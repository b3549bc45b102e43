"""`evalsuite doctor --compare-backends`: what is asked, what counts as a difference, what is told."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsuite.cli import main
from evalsuite.errors import UserError
from evalsuite.types import Answer, Failure, OptionScore
from evalsuite.verbs.backends import BACKENDS, Asking, Question, Told, missing
from evalsuite.verbs.compare_backends import QUESTIONS, Tokens, compared, read_questions

ROOT = Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "data" / "demo" / "models" / "s")
ASKING = Asking(MODEL, [Question("def f(x):\n", "    return x\n"), Question("a = ")])


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    pytest.importorskip("transformers", reason="transformers is not installed")
    return Tokens(ASKING)


def told(*texts: str, score: float = -3.0, **changes: Any) -> Told:
    answers = {
        at: Answer(str(at), text, finish="length", prompt_tokens=at + 1) for at, text in enumerate(texts)
    }
    scores = {0: Answer("0", options=(OptionScore(score, 2, 2),), finish="scored")}
    return replace(Told("1.0", [[1], [2, 3]], answers, scores), **changes)


def row(one: Told, tokens: Tokens) -> tuple[str, bool]:
    made = compared("other", one, told("    return x\n", "1 + 2"), ASKING, tokens, 1e-3)
    return made.render(), made.differs


def test_what_agrees_is_counted(tokens: Tokens) -> None:
    text, differs = row(told("    return x\n", "1 + 2", score=-3.0002), tokens)
    assert not differs
    assert "token ids 2 of 2 equal; texts 2 of 2 equal; log-likelihoods 1 of 1 equal" in text
    assert "largest difference 2.0e-04" in text


def test_the_first_token_that_differs_is_named(tokens: Tokens) -> None:
    text, differs = row(told("    return xs\n", "1 + 2"), tokens)
    assert differs
    assert "texts 1 of 2 equal" in text
    assert "prompt 0 ('def f(x):\\n'): token 2 of its text is ' xs', the reference has ' x'" in text
    text, _ = row(told("    return x\n", "1"), tokens)
    assert "is '(end)', the reference has ' +'" in text


def test_prompts_of_other_tokens_and_other_likelihoods_are_told(tokens: Tokens) -> None:
    text, differs = row(told("    return x\n", "1 + 2", score=-3.5, ids=[[1], [2, 4]]), tokens)
    assert differs
    assert "prompt 1: its token ids differ from token 1 on (2 and 2 tokens)" in text
    assert "log-likelihood 0 ('    return x\\n'): -3.5000 and -3.0000" in text


def test_a_server_is_not_asked_where_inside_a_token_a_continuation_begins(tokens: Tokens) -> None:
    text, differs = row(told("    return x\n", "1 + 2", score=-3.5, by_text=True), tokens)
    assert not differs
    assert "log-likelihoods 0 of 0 equal" in text


def test_what_a_server_does_not_tell_is_no_difference(tokens: Tokens) -> None:
    text, differs = row(told("    return x\n", "1 + 2", ids=None, scores=None), tokens)
    assert not differs
    assert "token counts 2 of 2 equal; texts 2 of 2 equal; log-likelihoods not offered" in text


def test_a_failed_answer_is_a_difference(tokens: Tokens) -> None:
    failed = told("    return x\n", "1 + 2")
    failed.answers[1] = Answer("1", finish="error", error=Failure("refused", "no"))
    text, differs = row(failed, tokens)
    assert differs
    assert "prompt 1: failed (refused: no), the reference answered" in text


def test_prompts_come_from_lines_or_json_lines(tmp_path: Path) -> None:
    plain, rows = tmp_path / "prompts.txt", tmp_path / "prompts.jsonl"
    plain.write_text("one\n\ntwo\n")
    assert read_questions(plain) == [Question("one"), Question("two")]
    rows.write_text('{"prompt": "a\\n", "continuation": " b"}\n{"prompt": "c"}\n')
    assert read_questions(rows) == [Question("a\n", " b"), Question("c")]
    rows.write_text('{"prompt": "a"}\n{"text": "c"}\n')
    with pytest.raises(UserError, match=r"prompts.jsonl, line 2: no object with a prompt"):
        read_questions(rows)
    with pytest.raises(UserError, match="no such file"):
        read_questions(tmp_path / "nowhere.txt")
    assert len({question.prompt for question in QUESTIONS}) == len(QUESTIONS) >= 10


def test_a_backend_says_what_it_wants(tmp_path: Path) -> None:
    bare = replace(ASKING, pythons={"sglang-serve": sys.executable})
    assert "no sglang in" in missing(BACKENDS["sglang-serve"], bare)
    assert "--gguf FILE" in missing(BACKENDS["llama.cpp-serve"], ASKING)
    with pytest.raises(UserError, match="cannot be started"):
        missing(BACKENDS["vllm"], replace(ASKING, pythons={"vllm": str(tmp_path / "python")}))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--backends", "transformers,vlm"], "did you mean 'vllm'"),
        (["--backends", "transformers,sglang-serve"], "sglang-serve cannot run here"),
        (["--backends", "transformers"], "only transformers is installed"),
        (["--python", "vllm"], "names no interpreter"),
        (["--python", "wllm=/bin/python"], "did you mean 'vllm'"),
        (["--prompts", "nowhere.txt"], "no such file"),
    ],
)
def test_a_wrong_call_starts_nothing(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    assert main(["doctor", "--compare-backends", MODEL, *words]) == 2
    assert said in capsys.readouterr().err
