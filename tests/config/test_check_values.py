"""Numbers that mean nothing are refused before a run, each with the limit that it broke."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evalsuite.bounds import NotNegative, Positive, Seconds
from evalsuite.config.check import check
from evalsuite.config.read import read_config
from evalsuite.config.signature import describe, fits

Tree = Callable[[dict[str, str]], Path]
CONFIG = """
    models = [dict(type='EchoModel', abbr='m')]
    datasets = [dict(
        type='JsonlDataset', abbr='d', path='d.jsonl', n=2,
        reader_cfg=dict(input_columns=['q'], output_column='a'),
        infer_cfg=dict(prompt_template=dict(type='PromptTemplate', template='{q}'),
                       retriever=dict(type='ZeroRetriever'), inferencer=dict(type='GenInferencer')),
        eval_cfg=dict(evaluator=dict(type='HumanEvalEvaluator')))]
    infer = dict(runner=dict(type='LocalRunner'))
    eval = dict(runner=dict(type='LocalRunner'))
"""


@pytest.fixture
def problems(tree: Tree) -> Callable[[str], dict[str, str]]:
    """The problems of a config with one more line, by key path."""

    def run(line: str) -> dict[str, str]:
        root = tree({"d.jsonl": '{"q": "x", "a": "y"}\n', "eval.py": f"{CONFIG}\n    {line}\n"})
        errors = check(read_config(root / "eval.py"))
        found = {error.where.partition(": ")[2]: f"{error.what} | {error.expected}" for error in errors}
        assert len(found) == len(errors)
        return found

    return run


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("models[0].batch_size", 0, "a whole number from 1"),
        ("models[0].max_out_len", 0, "a whole number from 1 or None"),
        ("models[0].max_out_len", -1, "a whole number from 1 or None"),
        ("models[0].min_out_len", -1, "a whole number from 0 or None"),
        ("models[0].max_seq_len", 0, "a whole number from 1 or None"),
        ("models[0].run_cfg", {"num_gpus": -1}, "a whole number from 0"),
        ("datasets[0].n", -2, "a whole number from 1"),
        ("datasets[0].n", 0, "a whole number from 1"),
        ("datasets[0].num_repeats", 0, "a whole number from 1"),
        ("datasets[0].k", 0, "a whole number from 1 or a list"),
        ("datasets[0].k", [1, -1], "a whole number from 1 or a list"),
        ("datasets[0].k", 3, "2 at most, or a larger n"),
        ("datasets[0].k", [1, 3], "2 at most, or a larger n"),
        ("datasets[0].eval_cfg.evaluator.k", 0, "a whole number from 1 or a list"),
        ("datasets[0].eval_cfg.evaluator.k", 3, "2 at most, or a larger n"),
        ("datasets[0].eval_cfg.evaluator.seconds", 0, "a number above 0"),
        ("datasets[0].eval_cfg.evaluator.seconds", -1.5, "a number above 0"),
        ("datasets[0].eval_cfg.evaluator.workers", -1, "a whole number from 1 or None"),
        ("datasets[0].infer_cfg.inferencer.max_out_len", 0, "a whole number from 1"),
        ("datasets[0].infer_cfg.inferencer.batch_size", 0, "a whole number from 1"),
        ("infer.runner.max_num_workers", -1, "a whole number from 1"),
        ("eval.runner.max_num_workers", -1, "a whole number from 1"),
        ("infer.runner.max_workers_per_gpu", 0, "a whole number from 1"),
        ("infer.runner.retry", -1, "a whole number from 0"),
    ],
)
def test_a_number_beyond_its_limit_is_told(
    problems: Callable[[str], dict[str, str]], place: str, value: object, expected: str
) -> None:
    outer, _, key = place.rpartition(".")
    section = "".join(f"{part}" if i == 0 else f"[{part!r}]" for i, part in enumerate(outer.split(".")))
    found = problems(f"{section}[{key!r}] = {value!r}")
    [(where, text)] = found.items()
    assert where.startswith(place) and text.endswith(f"| {expected}")


def test_a_least_length_above_the_greatest_is_told(problems: Callable[[str], dict[str, str]]) -> None:
    assert problems("models[0].update(min_out_len=4, max_out_len=4)") == {}
    found = problems("models[0].update(min_out_len=9, max_out_len=4)")
    assert set(found) == {"models[0].min_out_len"} and "4 at most" in found["models[0].min_out_len"]
    inferencer = "datasets[0]['infer_cfg']['inferencer']"
    found = problems(f"{inferencer}.update(min_out_len=9, max_out_len=4)")
    assert set(found) == {"datasets[0].infer_cfg.inferencer.min_out_len"}


def test_a_dataset_that_does_not_say_how_models_are_asked_is_told(
    problems: Callable[[str], dict[str, str]],
) -> None:
    assert len(problems("datasets[0]['infer_cfg'] = None")) == 1
    found = problems("del datasets[0]['infer_cfg']")
    assert set(found) == {"datasets[0].infer_cfg"} and "'d'" in found["datasets[0].infer_cfg"]


@pytest.mark.parametrize("kind", ["models", "datasets"])
def test_a_name_too_long_for_a_file_is_told(problems: Callable[[str], dict[str, str]], kind: str) -> None:
    assert problems(f"{kind}[0]['abbr'] = 'x' * 200") == {}
    found = problems(f"{kind}[0]['abbr'] = 'é' * 101")
    assert found == {f"{kind}[0].abbr": "a name of 202 bytes | 200 bytes at most"}


def test_limits_are_told_in_words_and_keep_nonsense_out() -> None:
    assert describe(Positive | None) == "a whole number from 1 or None"
    assert describe(NotNegative) == "a whole number from 0" and describe(Seconds) == "a number above 0"
    assert (
        fits(1, Positive) and not fits(0, Positive) and not fits(True, Positive) and not fits("1", Positive)
    )
    assert fits(0.5, Seconds) and not fits(0, Seconds) and not fits(float("nan"), Seconds)
    assert fits([1, 2], list[Positive]) and not fits([1, 0], list[Positive])


@pytest.mark.parametrize("holder", ["models[0]", "datasets[0]['infer_cfg']['inferencer']"])
@pytest.mark.parametrize(
    ("key", "wrong", "right"),
    [
        ("stop", 5, "\\n\\n"),
        ("stop", ["a", None], ["a"]),
        ("max_new_tokens", 0, 5),
        ("temperature", -0.5, 0),
        ("temperature", "0.5", 0.5),
        ("top_p", 0, 1),
        ("top_k", 1.5, -1),
        ("do_sample", "no", None),
        ("seed", "x", 3),
    ],
)
def test_what_says_how_to_generate_has_a_type(
    problems: Callable[[str], dict[str, str]], holder: str, key: str, wrong: object, right: object
) -> None:
    found = problems(f"{holder}.update(generation_kwargs=dict({key}={wrong!r}))")
    assert [name.endswith(f".generation_kwargs.{key}") for name in found] == [True]
    assert problems(f"{holder}.update(generation_kwargs=dict({key}={right!r}, another=object))") == {}
