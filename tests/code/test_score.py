"""The score verb: answer files as they come, ids that do not fit, and what it writes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made import PROBLEMS

from evalsuite.cli import main
from evalsuite.errors import UserError
from evalsuite.score.answers import read_answers
from evalsuite.score.names import dataset_configs

Write = Callable[..., Path]


@pytest.fixture
def data(write_rows: Write) -> str:
    return str(write_rows(PROBLEMS, "problems.jsonl.gz"))


def answers(texts: list[Any]) -> list[dict[str, Any]]:
    return [{"id": f"HumanEval/{number}", "prediction": text} for number, text in enumerate(texts)]


def test_rows_are_graded_and_written(
    data: str, write_rows: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = write_rows(
        answers(["    return x\n", "```python\ndef f1(x):\n    return x + 1\n```", "    return 0\n"])
    )
    out = tmp_path / "out"
    assert main(["score", "humaneval", str(given), "--data", data, "--out", str(out), "--workers", "1"]) == 0
    rows = [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()]
    assert [(row["id"], row["repeat"], row["correct"]) for row in rows] == [
        ("HumanEval/0", 0, True),
        ("HumanEval/1", 0, True),
        ("HumanEval/2", 0, False),
    ]
    assert {"metrics", "status", "detail", "isolation", "integrity", "cpu_s"} <= set(rows[0])
    assert rows[0]["integrity"] == "split"
    printed = capsys.readouterr().out
    assert "66.67" in printed
    assert "stderr" in printed


def test_several_predictions_are_repeats(data: str, write_rows: Write, tmp_path: Path) -> None:
    given = write_rows(answers([["    return x\n", "    return 9\n"]] * 3))
    assert (
        main(["score", "humaneval", str(given), "--data", data, "--out", str(tmp_path), "--workers", "1"])
        == 0
    )
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert [(row["repeat"], row["correct"]) for row in rows] == [
        *((0, True), (1, False)),
        *((0, False), (1, False)),
        *((0, False), (1, False)),
    ]


def test_raw_takes_the_text_as_it_stands(data: str, write_rows: Write, tmp_path: Path) -> None:
    given = write_rows(answers(["```python\n    return x\n```", "    return x + 1\n", "    return x + 2\n"]))
    assert main(["score", "humaneval", str(given), "--data", data, "--raw", "--out", str(tmp_path)]) == 0
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert [row["correct"] for row in rows] == [False, True, True]
    assert rows[0]["status"] == "syntax"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (answers(["a", "b"]), "no answer for 1 id(s): HumanEval/2"),
        (
            [*answers(["a", "b", "c"]), {"id": "HumanEval/77", "prediction": ""}],
            "unknown id(s): HumanEval/77",
        ),
        ([*answers(["a", "b", "c"]), {"id": "HumanEval/1", "prediction": ""}], "more than once: HumanEval/1"),
        ([{"id": "HumanEval/0", "text": "a"}], "row 1 has no prediction"),
        ([{"id": "HumanEval/0", "prediction": 3}], "is no text but a int"),
        ([{"id": "HumanEval/0", "prediction": []}], "no prediction in 1 row(s)"),
    ],
)
def test_answers_that_do_not_fit_are_named(
    data: str, write_rows: Write, capsys: pytest.CaptureFixture[str], rows: list[dict[str, Any]], said: str
) -> None:
    if said.startswith("no prediction"):
        rows = [*rows, *answers(["", "b", "c"])[1:]]
    assert main(["score", "humaneval", str(write_rows(rows)), "--data", data]) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_name_gets_the_nearest(capsys: pytest.CaptureFixture[str], write_rows: Write) -> None:
    assert main(["score", "humanevl", str(write_rows(answers(["a"])))]) == 2
    assert "did you mean 'humaneval'" in capsys.readouterr().err


def test_missing_data_says_where_it_was_looked_for(
    write_rows: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EVALSUITE_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("EVALSUITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(["score", "ds1000", str(write_rows(answers(["a"])))]) == 2
    said = capsys.readouterr().err
    assert "nowhere" in said
    assert "cache" in said
    assert "EVALSUITE_DATA" in said


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json"])
def test_files_of_the_benchmarks_own_tools_are_read(tmp_path: Path, write_rows: Write, name: str) -> None:
    if name.endswith(".json"):
        path = tmp_path / name
        path.write_text(json.dumps({"sample_0": ["f(1)", "f(2)"], "sample_1": ["f(3)"]}, indent=4))
        assert [(each.id, each.texts, each.form) for each in read_answers(path)] == [
            ("sample_0", ("f(1)", "f(2)"), "answer"),
            ("sample_1", ("f(3)",), "answer"),
        ]
        return
    rows = [
        {"task_id": "a", "completion": "x"},
        {"task_id": "a", "completion": "y"},
        {"task_id": "b", "generation": "z", "prompt": "p", "wholecode": "w"},
        {"task_id": "c", "solution": "s"},
        {"task_id": "d", "generation": "```js\nx\n```", "prompt": "p", "input_prompt": "complete p"},
        {"task_id": "e", "generation": "Sure: x", "prompt": "p\n"},
        {"task_id": "f", "generation": "p\n\nx", "prompt": "p\n"},
    ]
    assert [(each.id, each.texts, each.form) for each in read_answers(write_rows(rows, name))] == [
        ("a", ("x", "y"), "completion"),
        ("b", ("z",), "generation"),
        ("c", ("s",), "solution"),
        ("d", ("```js\nx\n```",), ""),
        ("e", ("Sure: x",), ""),
        ("f", ("p\n\nx",), "generation"),
    ]


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"id": "a", "prediction": "x"}\n{"id": "b", \n')
    with pytest.raises(UserError, match="line 2 is no JSON"):
        read_answers(path)


def test_a_folder_of_samples_is_read(tmp_path: Path) -> None:
    for name, texts in (("HumanEval_0", ["a", "b"]), ("Mbpp_12", ["c"])):
        for number, text in enumerate(texts):
            file = tmp_path / name / f"{number}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
    assert [(each.id, each.texts, each.form) for each in read_answers(tmp_path)] == [
        ("HumanEval/0", ("a", "b"), "solution"),
        ("Mbpp/12", ("c",), "solution"),
    ]


def test_ends_of_lines_inside_a_text_end_no_row(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    row = {"id": "a", "prediction": "x\u2028y\x85z\x0c"}
    path.write_text(f"{json.dumps(row, ensure_ascii=False)}\r\n" * 1 + '{"id": "b", "prediction": null}\n')
    assert [each.texts for each in read_answers(path)] == [("x\u2028y\x85z\x0c",), ("",)]


def cut_short(path: Path) -> None:
    path.write_bytes(gzip.compress(b'{"id": "a", "prediction": "x"}\n' * 99)[:-12])


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        (cut_short, "cannot be read to its end"),
        (lambda path: path.write_bytes(b""), "no answers in this file"),
        (lambda path: path.write_bytes(b"\n \n"), "no answers in this file"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "not a text file"),
        (lambda path: path.write_text("[" * 100_000), "line 1 is no JSON"),
        (lambda path: path.write_text('[1, {"id": "a", "prediction": ""}]'), "row 1 is no JSON object"),
        (lambda path: path.write_text('{"a": ["x"], "a": ["y"]}'), "occur more than once: a"),
        (lambda path: path.write_text('{"id": "a", "prediction": ["x", 7]}'), "is no text but a int"),
        (lambda path: path.mkdir(), "holds no samples"),
        (lambda path: None, "no such answer file"),
    ],
)
def test_a_file_that_is_no_answers_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: str, fill: Callable[[Path], object], said: str
) -> None:
    path = tmp_path / "given.jsonl"
    fill(path)
    assert main(["score", "humaneval", str(path), "--data", data]) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workers", "0"], "1 or more"),
        (["--option", "secnds=3"], "did you mean 'seconds'"),
        (["--out", "{data}"], "cannot be written"),
        (["--data", "{given}"], "no column 'prompt'"),
    ],
)
def test_wrong_words_are_told(
    data: str, write_rows: Write, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    given = str(write_rows(answers(["a", "b", "c"])))
    chosen = [word.format(data=data, given=given) for word in words]
    assert main(["score", "humaneval", given, "--data", data, *chosen]) == 2
    assert said in capsys.readouterr().err


def test_answers_may_be_several_for_some_problems_only(
    data: str, write_rows: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    given = write_rows(answers([["    return x\n", "    return 9\n"], "    return x + 1\n", None]))
    assert main(["score", "humaneval", str(given), "--data", data, "--option", "k=[1, 2]"]) == 0
    told = capsys.readouterr().out
    assert "50.00" in told and "1 to 2 a problem" in told and "unextracted 1" in told


def test_texts_that_are_no_unicode_are_judged(data: str, write_rows: Write, tmp_path: Path) -> None:
    odd = ["    return x\n", "    return x + 1 # \ud800", "\x00    return x + 2\n"]
    out = tmp_path / "out"
    assert main(["score", "humaneval", str(write_rows(answers(odd))), "--data", data, "--out", str(out)]) == 0
    rows = [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()]
    assert [row["status"] for row in rows] == ["right", "syntax", "syntax"]


def test_every_config_that_runs_code_has_its_classes() -> None:
    from evalsuite.registry import resolve

    configs = dataset_configs()
    assert {"humaneval", "mbpp_plus", "multipl_e_rs", "cruxeval_output", "bigcodebench_hard_instruct"} <= set(
        configs
    )
    assert {"ds1000", "spider", "bird", "safim_api", "humaneval_infilling_random_span"} <= set(configs)
    for config in configs.values():
        assert callable(resolve(config["type"], "datasets"))
        assert callable(resolve(config["eval_cfg"]["evaluator"]["type"], "evaluators"))
