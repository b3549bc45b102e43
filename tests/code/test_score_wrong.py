"""The score verb, given what it cannot grade: everything is told in one line before anything is graded."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made import PROBLEMS

from evalsuite.cli import main
from evalsuite.errors import UserError
from evalsuite.score.answers import read_answers

Write = Callable[..., Path]
RIGHT = [{"id": row["task_id"], "prediction": row["canonical_solution"]} for row in PROBLEMS]


@pytest.fixture
def data(write_rows: Write) -> str:
    return str(write_rows(PROBLEMS, "problems.jsonl"))


@pytest.fixture
def right(write_rows: Write) -> str:
    return str(write_rows(RIGHT, "right.jsonl"))


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What is told of a wrong call: one line, and nothing printed as if it were a result."""
    assert main(["score", *words]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


# ------------------------------------------------------------------ options
@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("raw=true", "expected --raw"),
        ("raw=false", "expected --raw"),
        ("extract=completions", "did you mean 'completion'"),
        ("extract=foo", "expected 'auto' or 'completion'"),
        ("extract=3", "expected 'auto' or 'completion'"),
        ("extract=sanitize", "expected 'auto' or 'completion'"),
        ("seconds=0", "above 0"),
        ("seconds=-1", "above 0"),
        ("seconds=NaN", "above 0"),
        ("seconds=Infinity", "above 0"),
        ("seconds=abc", "expected a number"),
        ("seconds=null", "expected a number"),
        ("workers=0", "a whole number from 1"),
        ("k=0", "a whole number from 1"),
        ("k=-1", "a whole number from 1"),
        ("k=[1, 0]", "a whole number from 1"),
        ("k=[]", "from 1 to 1"),
        ("k=1.5", "a whole number"),
        ("k=abc", "a whole number"),
        ("k=true", "a whole number"),
        ('k=[1, "a"]', "a whole number"),
        ("k=2", "no problem has 2 answers; expected at most 1"),
        ("k=[1, 2]", "no problem has 2 answers; expected at most 1"),
    ],
)
def test_an_option_that_cannot_be_is_told_before_grading(
    data: str, right: str, capsys: pytest.CaptureFixture[str], option: str, said: str
) -> None:
    error = told(capsys, "humaneval", right, "--data", data, "--option", option)
    assert said in error
    assert f"--option {option.partition('=')[0]}: " in error


def test_an_option_that_would_be_ignored_is_told(
    data: str, right: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["humaneval", right, "--data", data, "--option"]
    assert "'seconds' is given twice" in told(capsys, *given, "seconds=1", "--option", "seconds=2")
    assert "given twice" in told(capsys, *given, "workers=2", "--workers", "1")


def test_a_number_names_a_version_where_a_text_is_wanted(
    write_rows: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_rows(
        [{"id": "a", "code": "def f(x):\n    return x", "input": "1", "output": "1"}], "data.jsonl"
    )
    given = str(write_rows([{"id": "a", "prediction": "1"}]))
    words = ["cruxeval_output", given, "--data", str(data), "--raw", "--option"]
    assert "'3.8' or 'current'" in told(capsys, *words, "python_semantics=3.9")
    assert main(["score", *words, "python_semantics=3.8"]) == 0


# ------------------------------------------------------------------ pass@k without enough answers
def test_a_pass_at_k_that_no_problem_has_is_said_and_is_no_zero(
    write_rows: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    test = json.dumps([{"input": "1\n", "output": "1\n", "testtype": "stdin"}])
    row = {"question_id": "a", "contest_date": "2024-01-01", "public_test_cases": test}
    data = str(write_rows([row], "problems.jsonl"))
    given = str(write_rows([{"id": "a", "prediction": "```python\nprint(input())\n```"}]))
    assert main(["score", "livecodebench_generation", given, "--data", data, "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert "100.00" in said
    assert "pass@5: no problem has 5 answers" in said
    assert "  0.00" not in said


def test_n_tells_how_many_problems_have_enough_answers(
    data: str, write_rows: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [[row["prediction"]] * 2 for row in RIGHT[:2]] + [[RIGHT[2]["prediction"]]]
    rows = [{"id": row["id"], "prediction": each} for row, each in zip(RIGHT, texts, strict=True)]
    given = str(write_rows(rows))
    assert main(["score", "humaneval", given, "--data", data, "--option", "k=[1, 2]"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[1:4] for line in lines if line[0] == "humaneval"] == [
        ["pass@1", "100.00", "3"],
        ["pass@2", "100.00", "2"],
    ]


# ------------------------------------------------------------------ forms
def test_answers_of_two_forms_to_one_problem_are_refused(
    data: str, write_rows: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = [
        {"task_id": row["task_id"], "solution": row["prompt"] + row["canonical_solution"]} for row in PROBLEMS
    ]
    behind = [{"task_id": row["task_id"], "completion": row["canonical_solution"]} for row in PROBLEMS]
    for rows, forms in (
        ([*whole, *behind], "completion and solution"),
        ([*behind, *whole], "completion and solution"),
        ([*RIGHT, *behind], "completion and prediction"),
        ([*behind, *RIGHT], "completion and prediction"),
    ):
        error = told(capsys, "humaneval", str(write_rows(rows)), "--data", data)
        assert f"HumanEval/0 are of two forms: {forms}" in error


def test_each_problem_may_have_a_form_of_its_own(data: str, write_rows: Write, tmp_path: Path) -> None:
    rows = [
        {"task_id": "HumanEval/0", "solution": PROBLEMS[0]["prompt"] + "    return x\n"},
        {"task_id": "HumanEval/1", "completion": "    return x + 1\n"},
        RIGHT[2],
    ]
    assert main(["score", "humaneval", str(write_rows(rows)), "--data", data, "--out", str(tmp_path)]) == 0
    kept = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert [row["correct"] for row in kept] == [True, True, True]


# ------------------------------------------------------------------ problem files
@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("humaneval_plus", "base_input"),
        ("mbpp_plus", "base_input"),
        ("mbpp_full", "code"),
        ("multipl_e_js", "tests"),
        ("cruxeval_output", "code"),
        ("ds1000", "code_context"),
        ("livecodebench_generation", "question_id"),
        ("spider", "db_id"),
        ("safim_api", "lang"),
        ("humaneval_infilling_single_line", "suffix"),
        ("bigcodebench_hard_complete", "instruction"),
        ("repoeval_line", "groundtruth"),
    ],
)
def test_problems_of_another_benchmark_are_refused(
    data: str, right: str, capsys: pytest.CaptureFixture[str], name: str, column: str
) -> None:
    error = told(capsys, name, right, "--data", data)
    assert f"{data}: a row has no column '{column}' (HumanEval/0); it has task_id, prompt" in error


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompt": 5}, "the column 'prompt' of HumanEval/1 is a number; expected a text"),
        ({"test": None}, "the column 'test' of HumanEval/1 is null; expected a text"),
        ({"entry_point": True}, "the column 'entry_point' of HumanEval/1 is true or false"),
        ({"suffix": "\n"}, "HumanEval/1 has a suffix"),
    ],
)
def test_a_column_of_another_type_is_named(
    right: str,
    write_rows: Write,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, Any],
    said: str,
) -> None:
    rows = [PROBLEMS[0], {**PROBLEMS[1], **change}, PROBLEMS[2]]
    error = told(capsys, "humaneval", right, "--data", str(write_rows(rows, "odd.jsonl")))
    assert "odd.jsonl" in error and said in error


def test_problems_in_another_language_are_refused(
    right: str, write_rows: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**row, "tests": row["test"], "language": "rs"} for row in PROBLEMS]
    error = told(capsys, "multipl_e_js", right, "--data", str(write_rows(rows, "rust.jsonl")))
    assert "HumanEval/0 is a problem in 'rs'" in error


@pytest.mark.parametrize("name", ["humaneval", "multipl_e_python"])
@pytest.mark.parametrize(
    "test", ["x = 1\n", "pass\n", "# def check(candidate):\n", "def other(candidate):\n    pass\n"]
)
def test_tests_without_a_check_are_an_error_and_no_right_answer(
    right: str, write_rows: Write, capsys: pytest.CaptureFixture[str], name: str, test: str
) -> None:
    rows = [PROBLEMS[0], {**PROBLEMS[1], "test": test}, PROBLEMS[2]]
    data = str(write_rows(rows, "unchecked.jsonl"))
    assert main(["score", name, right, "--data", data, "--workers", "1"]) == 1
    said = capsys.readouterr().out
    assert "right 2, error 1" in said
    assert "HumanEval/1: evaluator: ValueError: the problem's tests define no check(candidate)" in said


def test_a_check_that_is_defined_in_another_way_is_called(
    write_rows: Write, right: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tests = (
        "def check (candidate):\n    assert candidate(1) == 7\n",
        "if True:\n    def check(candidate):\n        assert candidate(1) == 7\n",
        "def _all(candidate):\n    assert candidate(1) == 7\ncheck = _all\n",
    )
    rows = [{**row, "test": test} for row, test in zip(PROBLEMS, tests, strict=True)]
    assert main(["score", "humaneval", right, "--data", str(write_rows(rows, "odd.jsonl"))]) == 0
    assert "answers: 3 (wrong 3)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "fill", "said"),
    [
        ("humaneval", lambda path: path.mkdir(), "this is a folder"),
        ("bigcodebench_hard_complete", lambda path: path.mkdir(), "this is a folder"),
        ("humaneval", lambda path: path.write_text(""), "no problems in this file"),
        ("humaneval", lambda path: path.write_text("[1, "), "the list is no JSON"),
        ("humaneval", lambda path: None, "no such data file"),
        ("santacoder_fim_py", lambda path: path.write_text("{}"), "no Parquet file"),
    ],
)
def test_what_is_no_problem_file_is_told(
    right: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    fill: Callable[[Path], object],
    said: str,
) -> None:
    fill(tmp_path / "given")
    error = told(capsys, name, right, "--data", str(tmp_path / "given"))
    assert said in error and str(tmp_path / "given") in error


def test_a_problem_that_a_file_has_twice_is_told(
    right: str, write_rows: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(write_rows([*PROBLEMS, PROBLEMS[0]], "twice.jsonl"))
    assert "the problem file has HumanEval/0 more than once" in told(
        capsys, "humaneval", right, "--data", data
    )


PLUS = {**PROBLEMS[0], "base_input": [[1]], "plus_input": {}, "atol": 0}
CONTEST = {"question_id": "HumanEval/0", "contest_date": "2024-01-01"}


@pytest.mark.parametrize(
    ("name", "row", "said"),
    [
        ("humaneval_plus", {**PLUS, "base_input": []}, "base_input is empty"),
        ("humaneval_plus", {**PLUS, "base_input": [1]}, "base_input is no list of lists"),
        ("humaneval_plus", {**PLUS, "plus_input": "x"}, "'plus_input' of HumanEval/0 is a text"),
        ("humaneval_plus", {**PLUS, "atol": None}, "'atol' of HumanEval/0 is null; expected a number"),
        ("multipl_e_js", {**PROBLEMS[0], "tests": "\n", "language": "js"}, "there are no tests"),
        ("mbpp_full", {"task_id": 11, "code": "", "text": "", "test_list": []}, "no list of tests"),
        ("mbpp_full", {"task_id": "x", "code": "", "text": "t", "test_list": ["y"]}, "no number of an MBPP"),
        ("livecodebench_generation", CONTEST, "no column 'public_test_cases' or 'private_test_cases'"),
        ("livecodebench_generation", {**CONTEST, "public_test_cases": 5}, "HumanEval/0 cannot be read"),
        ("livecodebench_generation", {**CONTEST, "public_test_cases": "eJwDAAAAAAE="}, "cannot be unpacked"),
    ],
)
def test_a_problem_that_tests_nothing_is_refused(
    right: str,
    write_rows: Write,
    capsys: pytest.CaptureFixture[str],
    name: str,
    row: dict[str, Any],
    said: str,
) -> None:
    assert said in told(capsys, name, right, "--data", str(write_rows([row], "odd.jsonl")))


def test_a_contest_problem_without_tests_is_an_error(
    write_rows: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(write_rows([{**CONTEST, "public_test_cases": "[]"}], "untested.jsonl"))
    given = str(write_rows([{"id": "HumanEval/0", "prediction": "```python\nprint(1)\n```"}]))
    assert main(["score", "livecodebench_generation", given, "--data", data, "--workers", "1"]) == 1
    assert "not judged: HumanEval/0: the problem has no tests" in capsys.readouterr().out


# ------------------------------------------------------------------ files that cannot be read
@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A file and a folder of samples in a folder that nobody may open.

    There is nothing that root may not read, so the reader is somebody else for a while.
    """
    folder = tmp_path / "locked"
    sample = folder / "HumanEval_0" / "0.py"
    sample.parent.mkdir(parents=True)
    sample.write_text("x")
    (folder / "rows.jsonl").write_text('{"id": "a", "prediction": "x"}\n')
    folder.chmod(0)
    user = os.geteuid()
    if not user:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    folder.chmod(0o700)


@pytest.mark.parametrize("place", ["", "rows.jsonl", "HumanEval_0"])
def test_answers_that_may_not_be_read_are_told(locked: Path, place: str) -> None:
    with pytest.raises(UserError, match="cannot be read: Permission denied") as caught:
        read_answers(locked / place)
    assert str(locked) in str(caught.value) or str(locked.parents[1]) in str(caught.value)


def test_problems_that_may_not_be_read_are_told(
    right: str, data: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("evalsuite.datasets.benchmark.open_bytes", refuse)
    monkeypatch.setattr("evalsuite.datasets.tables.open_bytes", refuse)
    for name in ("humaneval", "bigcodebench_hard_complete"):
        assert f"{data}: it cannot be read: Permission denied" in told(capsys, name, right, "--data", data)


def test_a_name_that_is_too_long_is_told(right: str, data: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = "a" * 300
    assert "File name too long" in told(capsys, "humaneval", name, "--data", data)
    assert "File name too long" in told(capsys, "humaneval", right, "--data", name)


@pytest.mark.parametrize(
    "words", [["", "--data", "{data}"], ["{right}", "--data", ""], ["{right}", "--out", ""]]
)
def test_an_empty_name_is_no_folder(
    right: str, data: str, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert "the name is empty" in told(
        capsys, "humaneval", *(word.format(right=right, data=data) for word in words)
    )


# ------------------------------------------------------------------ rows
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"idd": "a", "prediction": "x"}], "row 1 has no id; it has idd, prediction; .*did you mean 'id'"),
        ([{"prediction": "x"}], "row 1 has no id; it has prediction"),
        ([{"id": None, "prediction": "x"}], "the id of row 1 is null"),
        ([{"id": None, "prediction": "x"}] * 2, "the id of row 1 is null"),
        ([{"id": 1.5, "prediction": "x"}] * 2, "the id of row 1 is 1.5, a float"),
        ([{"id": True, "prediction": "x"}], "the id of row 1 is True, a bool"),
        ([{"id": ["a"], "prediction": "x"}], "the id of row 1 is .*, a list"),
        ([{"id": "a", "predicton": "x"}], "row 1 has no prediction; .*did you mean 'prediction'"),
        ([{"idd": "a", "predicton": "x"}], "row 1 has no id; .*did you mean 'id'"),
        ([{"id": "a", "completoin": "x"}] * 2, "did you mean 'completion'"),
        ([{"tsk_id": "a", "solution": "x"}] * 2, "did you mean 'task_id'"),
    ],
)
def test_a_row_that_is_no_answer_is_told(write_rows: Write, rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_answers(write_rows(rows))


def test_answers_by_id_are_no_row(tmp_path: Path) -> None:
    for whole in (
        {"sample_0": ["x"], "sample_1": ["y"]},
        {"HumanEval/0": "x"},
        {"task_1": "x", "task_2": "y"},
        {"id": {"prediction": "x"}, "b": {"prediction": "y"}},
    ):
        path = tmp_path / "answers.json"
        path.write_text(json.dumps(whole))
        assert [each.id for each in read_answers(path)] == list(whole)


def test_an_id_beside_an_empty_one_is_taken(write_rows: Write) -> None:
    rows = [{"id": None, "task_id": "a", "prediction": "x"}]
    assert [each.id for each in read_answers(write_rows(rows))] == ["a"]


def test_a_row_with_two_texts_is_not_graded_by_one_of_them(write_rows: Write) -> None:
    rows = [{"id": "HumanEval/0", "prediction": "pass", "completion": "    return 1"}]
    with pytest.raises(UserError, match="'prediction' and a 'completion'"):
        read_answers(write_rows(rows, "both.jsonl"))
    both = {"task_id": "HumanEval/0", "completion": "x", "solution": "y"}  # as EvalPlus has it
    (given,) = read_answers(write_rows([both], "evalplus.jsonl"))
    assert (given.texts, given.form) == (("y",), "solution")
