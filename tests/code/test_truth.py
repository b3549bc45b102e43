"""Published answers of Qwen2.5-Coder 1.5B against the published verdict of every problem.

The full sets are marked `truth`; of those that run fast a part is checked on every run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from made import given, lines_gz, read_gz

from evalsuite.datasets.bigcodebench import BigCodeBench
from evalsuite.datasets.cruxeval import CruxEval
from evalsuite.datasets.ds1000 import DS1000
from evalsuite.datasets.humaneval import HumanEval, HumanEvalPlus, MbppPlus
from evalsuite.datasets.multipl_e import MultiPLE
from evalsuite.evaluators.code.bigcodebench import BigCodeBenchEvaluator
from evalsuite.evaluators.code.cruxeval import CruxEvalEvaluator, extracted
from evalsuite.evaluators.code.ds1000 import DS1000Evaluator
from evalsuite.evaluators.code.evalplus import EvalPlusEvaluator
from evalsuite.evaluators.code.function_tests import HumanEvalEvaluator
from evalsuite.evaluators.code.multipl_e import MultiPLEEvaluator
from evalsuite.evaluators.code.sanitize import sanitized_bigcodebench
from evalsuite.types import Sample, Score

PARTS = ("base", "plus")
TOOLS = {"java": "javac", "cpp": "g++", "js": "node", "cs": "mcs", "php": "php", "sh": "bash", "ts": "node"}


def problems(dataset: Any) -> dict[str, Sample]:
    """The samples by id."""
    return {sample.id: sample for sample in dataset.samples()}


def scored(evaluator: Any, samples: Mapping[str, Sample], texts: Mapping[str, str], form: str) -> list[Score]:
    """The scores of some answers."""
    try:
        return list(evaluator.score((samples[name], [given(text, form)]) for name, text in texts.items()))
    finally:
        evaluator.close()


def assert_agrees(scores: Iterable[Score], truth: Mapping[str, bool], metric: str = "") -> None:
    """Every verdict equals the published one."""
    found = {score.id: score for score in scores}
    verdicts = {
        name: bool(score.correct) if not metric else score.metrics.get(metric) == 1.0
        for name, score in found.items()
    }
    assert [found[name] for name, verdict in verdicts.items() if verdict != truth[name]] == []


def side_python(name: str) -> str | None:
    """The interpreter of a side environment, where it was made."""
    python = Path(__file__).resolve().parents[2] / f".venv-{name}" / "bin" / "python"
    return str(python) if python.exists() else None


def evalplus(answers: Path, name: str) -> tuple[dict[str, str], dict[str, bool], dict[str, bool]]:
    """Answers, and whether the base inputs alone and all inputs passed."""
    folder = answers / "evalplus" / name
    texts = {row["task_id"]: row["completion"] for row in lines_gz(folder / "generated.jsonl.gz")}
    verdicts = read_gz(folder / "generated_eval_results.json.gz")["eval"]
    base = {task: rows[0]["base_status"] == "pass" for task, rows in verdicts.items()}
    plus = {task: base[task] and rows[0]["plus_status"] == "pass" for task, rows in verdicts.items()}
    return texts, base, plus


@pytest.mark.truth
@pytest.mark.parametrize(
    ("name", "loader", "file"),
    [
        ("humaneval", HumanEvalPlus, "humaneval_plus/HumanEvalPlus-v0.1.9.jsonl.gz"),
        ("mbpp", MbppPlus, "mbpp_plus/MbppPlus-v0.1.0.jsonl.gz"),
    ],
)
def test_evalplus(bench_data: Path, answers: Path, name: str, loader: Any, file: str) -> None:
    texts, base, plus = evalplus(answers, name)
    scores = scored(EvalPlusEvaluator(), problems(loader(str(bench_data / file))), texts, "completion")
    assert_agrees(scores, base, "base")
    assert_agrees(scores, plus, "plus")
    rates = [100 * sum(score.metrics.get(half) == 1.0 for score in scores) / len(scores) for half in PARTS]
    assert [f"{rate:.1f}" for rate in rates] == {"humaneval": ["43.9", "36.6"], "mbpp": ["69.2", "58.6"]}[
        name
    ]


@pytest.mark.parametrize(
    ("name", "loader", "file"),
    [
        ("humaneval", HumanEvalPlus, "humaneval_plus/HumanEvalPlus-v0.1.9.jsonl.gz"),
        ("mbpp", MbppPlus, "mbpp_plus/MbppPlus-v0.1.0.jsonl.gz"),
    ],
)
def test_evalplus_programs_are_put_together_as_published(
    bench_data: Path, answers: Path, name: str, loader: Any, file: str
) -> None:
    from evalsuite.score.names import config_of

    chosen = dict(config_of(name)["eval_cfg"]["evaluator"])
    assert chosen["extract"] == "completion"
    evaluator = EvalPlusEvaluator(extract="completion", workers=1)
    samples = problems(loader(str(bench_data / file)))
    for task, text in evalplus(answers, name)[0].items():
        head = samples[task].fields["prompt"].strip() + "\n"
        assert evaluator.program(samples[task], given(text[len(head) :])) == text


def test_humaneval_by_its_own_tests(bench_data: Path, answers: Path) -> None:
    texts, base, _ = evalplus(answers, "humaneval")
    some = dict(list(texts.items())[::4])
    samples = problems(HumanEval(str(bench_data / "humaneval" / "HumanEval.jsonl.gz")))
    assert_agrees(scored(HumanEvalEvaluator(), samples, some, "completion"), base)


@pytest.mark.truth
@pytest.mark.parametrize(("mode", "rate"), [("input", "43.75"), ("output", "34.62")])
def test_cruxeval(bench_data: Path, answers: Path, mode: Any, rate: str) -> None:
    texts, truth = cruxeval(answers, mode)
    samples = problems(CruxEval(str(bench_data / "cruxeval" / "cruxeval.jsonl.gz")))
    scores = scored(CruxEvalEvaluator(mode), samples, texts, "answer")
    assert_agrees(scores, truth)
    assert f"{100 * sum(score.correct is True for score in scores) / len(scores):.2f}" == rate


def cruxeval(answers: Path, mode: str) -> tuple[dict[str, str], dict[str, bool]]:
    """Extracted answers and verdicts."""
    folder = answers / "cruxeval" / f"{mode}-cot"
    texts = {name: texts[0] for name, texts in read_gz(folder / "completion.json.gz").items()}
    verdicts = read_gz(folder / "completion_scored.json.gz")["raw_scored_generations"]
    return texts, {name: rows[0] for name, rows in verdicts.items()}


def test_some_of_cruxeval(bench_data: Path, answers: Path) -> None:
    texts, truth = cruxeval(answers, "output")
    samples = problems(CruxEval(str(bench_data / "cruxeval" / "cruxeval.jsonl.gz")))
    assert_agrees(scored(CruxEvalEvaluator("output"), samples, texts, "answer"), truth)
    texts, truth = cruxeval(answers, "input")
    some = dict(list(texts.items())[:60])
    assert_agrees(scored(CruxEvalEvaluator("input"), samples, some, "answer"), truth)


@pytest.mark.parametrize("mode", ["input", "output"])
def test_cruxeval_answers_are_extracted_as_published(bench_data: Path, answers: Path, mode: Any) -> None:
    from evalsuite.score.names import config_of

    folder = answers / "cruxeval" / f"{mode}-cot"
    given_texts = read_gz(folder / "completion.json.gz")
    template = config_of(f"cruxeval_{mode}_cot")["infer_cfg"]["prompt_template"]["template"]
    samples = problems(CruxEval(str(bench_data / "cruxeval" / "cruxeval.jsonl.gz")))
    for name, texts in read_gz(folder / "completion_raw.json.gz").items():
        prompt = template
        for column in ("code", "input", "output"):
            prompt = prompt.replace("{" + column + "}", samples[name].fields[column], 1)
        assert texts[0].startswith(prompt)
        assert extracted(texts[0][len(prompt) :], mode) == given_texts[name][0]


@pytest.mark.parametrize("language", list(TOOLS))
def test_multipl_e_programs_are_put_together_as_published(
    bench_data: Path, answers: Path, language: str
) -> None:
    rows, samples, published = multipl_e(bench_data, answers, language)
    evaluator = MultiPLEEvaluator(workers=1)
    for row in rows:
        sample = samples[row["task_id"]]
        said = row["wholecode"][len(row["prompt"]) :]
        code = published[row["task_id"]]["code"]
        assert evaluator.program(sample, given(row["generation"], "generation")) == code
        assert evaluator.program(sample, given(said)) == code


def multipl_e(
    bench_data: Path, answers: Path, language: str
) -> tuple[list[dict[str, Any]], dict[str, Sample], dict[str, Any]]:
    """Answer rows, problems, and what was published of each."""
    folder = answers / "multipl-e"
    rows = lines_gz(folder / f"pred_{language}_output.jsonl.gz")
    details = read_gz(folder / f"humaneval-{language}-details.json.gz")
    data = bench_data / "multipl_e" / f"humaneval-{language}.jsonl.gz"
    return rows, problems(MultiPLE(language, str(data))), {name: each[0][1] for name, each in details.items()}


def check_multipl_e(bench_data: Path, answers: Path, language: str, part: slice) -> None:
    """Run some programs of a language."""
    if shutil.which(TOOLS[language]) is None:
        pytest.skip(f"no {TOOLS[language]} here")
    rows, samples, published = multipl_e(bench_data, answers, language)
    texts = {row["task_id"]: row["generation"] for row in rows[part]}
    evaluator = MultiPLEEvaluator(hide=["bc"] if language == "sh" else [])
    scores = scored(evaluator, samples, texts, "generation")
    assert_agrees(scores, {name: each["passed"] for name, each in published.items()})


@pytest.mark.truth
@pytest.mark.parametrize("language", list(TOOLS))
def test_multipl_e(bench_data: Path, answers: Path, language: str) -> None:
    check_multipl_e(bench_data, answers, language, slice(None))


@pytest.mark.parametrize("language", ["php", "js", "sh"])
def test_some_of_multipl_e(bench_data: Path, answers: Path, language: str) -> None:
    check_multipl_e(bench_data, answers, language, slice(40, 52))


def test_bigcodebench_is_sanitized_as_published_but_for_comments(bench_data: Path, answers: Path) -> None:
    folder = answers / "bigcodebench" / "hard"
    samples = problems(BigCodeBench("hard", str(bench_data / "bigcodebench" / "bigcodebench_hard.json.gz")))
    published = {
        row["task_id"]: row["solution"]
        for row in lines_gz(folder / "completion-sanitized-calibrated.jsonl.gz")
    }
    for row in lines_gz(folder / "completion.jsonl.gz"):
        name = row["task_id"]
        text = row["solution"].replace(
            "```python\n    ", f"```python\n{samples[name].fields['complete_prompt']}    "
        )
        got = sanitized_bigcodebench(text, "task_func")
        assert without_comments(got) == without_comments(published[name]), name


def without_comments(code: str) -> list[str]:
    """The lines that say something."""
    return [line for line in code.split("\n") if line.strip() and not line.strip().startswith("#")]


@pytest.mark.truth
@pytest.mark.slow
def test_bigcodebench_hard_as_far_as_its_libraries_are_here(bench_data: Path, answers: Path) -> None:
    folder = answers / "bigcodebench" / "hard"
    samples = problems(BigCodeBench("hard", str(bench_data / "bigcodebench" / "bigcodebench_hard.json.gz")))
    texts = {
        row["task_id"]: row["solution"]
        for row in lines_gz(folder / "completion-sanitized-calibrated.jsonl.gz")
    }
    verdicts = read_gz(folder / "completion-sanitized-calibrated_hard_eval_results.json.gz")["eval"]
    python = side_python("bigcodebench")
    scores = scored(BigCodeBenchEvaluator(python=python), samples, texts, "solution")
    judged = [score for score in scores if score.status != "error"]
    assert python is None or len(judged) == len(scores)
    assert judged
    different = [
        score.id for score in judged if score.correct is not (verdicts[score.id][0]["status"] == "pass")
    ]
    assert len(different) <= max(1, 0.005 * len(judged)), different


@pytest.mark.truth
@pytest.mark.slow
def test_all_ds1000_references_pass_where_nothing_is_fetched(bench_data: Path) -> None:
    python = side_python("ds1000")
    if python is None:
        pytest.skip("DS-1000's libraries are not here: make .venv-ds1000/.installed")
    samples = problems(DS1000(str(bench_data / "ds1000" / "ds1000.jsonl.gz")))
    texts = {name: sample.fields["reference_code"] for name, sample in samples.items()}
    scores = scored(DS1000Evaluator(python=python), samples, texts, "solution")
    failed = [score for score in scores if not score.correct]
    assert all(score.status == "error" and "urlopen" in score.detail for score in failed), failed
    assert len(failed) == 15
