"""What a dataset says of its rows is compared with them: a slip makes every answer wrong, or asks nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evalsuite.config.check import check
from evalsuite.config.read import read_config
from evalsuite.errors import UserError

Tree = Callable[[dict[str, str]], Path]
ROWS = "".join(f'{{"question": "{n}+1?", "answer": "{n + 1}"}}\n' for n in range(30))
CONFIG = """
    models = [dict(type='EchoModel', abbr='m')]
    datasets = [dict(
        type={kind!r}, abbr='sums', path='d.jsonl',
        reader_cfg=dict({reader}),
        infer_cfg=dict(prompt_template=dict(type='PromptTemplate', template='Q: {{question}}'),
                       retriever=dict(type='ZeroRetriever'), inferencer=dict(type='GenInferencer')),
        {more})]
"""
READER = "input_columns=['question'], output_column='answer'"


@pytest.fixture
def errors(tree: Tree) -> Callable[..., list[UserError]]:
    def run(
        reader: str = READER,
        more: str = "",
        rows: str = ROWS,
        kind: str = "JsonlDataset",
        scored: bool = True,
    ) -> list[UserError]:
        root = tree({"d.jsonl": rows, "eval.py": CONFIG.format(reader=reader, more=more, kind=kind)})
        found = check(read_config(root / "eval.py"), scored=scored)
        for error in found:
            assert error.where.startswith(f"{root / 'eval.py'}: datasets[0]")
        return found

    return run


def test_a_mistyped_output_column_is_told_with_the_nearest(errors: Callable[..., list[UserError]]) -> None:
    [error] = errors("input_columns=['question'], output_column='anser'")
    assert error.where.endswith("datasets[0].reader_cfg.output_column")
    assert "'sums'" in error.what and "'anser'" in error.what
    assert error.expected == "one of answer, question" and error.nearest == "answer"


@pytest.mark.parametrize("columns", ["['question', 'quastion']", "'quastion'"])
def test_a_mistyped_input_column_is_told_with_the_nearest(
    errors: Callable[..., list[UserError]], columns: str
) -> None:
    [error] = errors(f"input_columns={columns}, output_column='answer'")
    assert error.where.endswith("datasets[0].reader_cfg.input_columns")
    assert "'quastion'" in error.what and error.nearest == "question"


@pytest.mark.parametrize("evaluator", ["AccEvaluator", "EMEvaluator", "ContainsEvaluator", None])
@pytest.mark.parametrize("reader", ["input_columns=['question']", "output_column=None", ""])
def test_texts_are_not_compared_without_a_reference(
    errors: Callable[..., list[UserError]], evaluator: str | None, reader: str
) -> None:
    more = f"eval_cfg=dict(evaluator=dict(type={evaluator!r}))" if evaluator else ""
    [error] = errors(reader, more)
    assert error.where.endswith("datasets[0].reader_cfg.output_column")
    assert "no reference" in error.what and "answer, question" in error.expected
    assert errors(reader, more, scored=False) == []


def test_a_column_that_is_empty_in_all_rows_is_no_reference(errors: Callable[..., list[UserError]]) -> None:
    rows = '{"question": "1+1?", "answer": null}\n' * 25
    [error] = errors(rows=rows)
    assert "the column 'answer' is empty in all of them" in error.what
    assert errors(rows=rows + '{"question": "1+1?", "answer": "2"}\n') == []


def test_an_evaluator_that_needs_no_reference_goes_without(errors: Callable[..., list[UserError]]) -> None:
    code = "eval_cfg=dict(evaluator=dict(type='HumanEvalEvaluator'))"
    assert errors("input_columns=['question'], output_column=None", code) == []
    assert errors("input_columns=['question']", code) == []


def test_a_class_may_settle_the_reference_itself(errors: Callable[..., list[UserError]], tree: Tree) -> None:
    tree(
        {
            "own_sums.py": """
                from evalsuite.datasets.tables import JsonlDataset


                class Sums(JsonlDataset):
                    def reference_of(self, fields):
                        return len(fields)
            """
        }
    )
    assert errors("input_columns=['question'], output_column='sum'", kind="own_sums.Sums") == []


@pytest.mark.parametrize("place", ["more", "reader"])
@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("'[500:600]'", "leaves none of the 30 rows of 'sums'"),
        ("'[30]'", "leaves none of the 30 rows"),
        ("0", "leaves none of the 30 rows"),
        ("0.001", "leaves none of the 30 rows"),
        ("'[0:x]'", "'[0:x]' is no range"),
        ("'[::0]'", "has a step of 0"),
        ("-3", "-3 rows cannot be taken"),
    ],
)
def test_a_range_that_leaves_nothing_is_told(
    errors: Callable[..., list[UserError]], place: str, wanted: str, said: str
) -> None:
    given = {"reader": READER, "more": ""}
    given[place] += f", test_range={wanted}" if place == "reader" else f"test_range={wanted}"
    [error] = errors(**given)
    assert said in error.what
    assert error.where.endswith("reader_cfg.test_range" if place == "reader" else "datasets[0].test_range")


@pytest.mark.parametrize("wanted", ["'[25:28]'", "'[29]'", "'[-1:]'", "3", "0.1", "'[0:40][::2]'"])
def test_a_range_that_leaves_something_is_not(errors: Callable[..., list[UserError]], wanted: str) -> None:
    assert errors(more=f"test_range={wanted}") == []


def test_a_file_without_rows_is_told(errors: Callable[..., list[UserError]]) -> None:
    assert "'sums' has no rows" in [error.what for error in errors(rows="")]


def test_a_column_that_only_later_rows_have_is_there(errors: Callable[..., list[UserError]]) -> None:
    reader = "input_columns=['question', 'hint'], output_column='answer'"
    assert len(errors(reader)) == 1
    assert errors(reader, rows=ROWS + '{"question": "1+1?", "answer": "2", "hint": "even"}\n') == []
