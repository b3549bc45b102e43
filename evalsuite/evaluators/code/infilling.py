"""Fill-in-the-middle answers: by running the completed program, or by their text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from evalsuite import syntax
from evalsuite.bounds import Positive, Seconds
from evalsuite.errors import UserError
from evalsuite.evaluators.basic import RateEvaluator
from evalsuite.evaluators.code import safim_text
from evalsuite.evaluators.code.base import CodeEvaluator, extra_of, not_run, score_of
from evalsuite.evaluators.code.fences import blocks
from evalsuite.evaluators.code.python_tests import run_python_tests
from evalsuite.evaluators.code.python_text import cut, parses
from evalsuite.evaluators.code.said import said
from evalsuite.evaluators.code.similarity import (
    code_tokens,
    edit_similarity,
    first_filled_lines,
    levenshtein_similarity,
    prefix_match,
)
from evalsuite.evaluators.code.stdio import run_stdio
from evalsuite.sandbox import Isolation, Limits, installed
from evalsuite.stats import mean_metric
from evalsuite.types import Answer, Metric, Sample, Score, Status

_UNRUN = {"isolation": "none", "integrity": "split", "cpu_s": 0.0}


def middle_of(sample: Sample, answer: Answer, raw: bool) -> str:
    """What an answer puts into the hole: up to the family's end tokens; the first fenced block of a chat
    answer.
    """
    if raw:
        return answer.text
    text = cut(said(answer.text), tuple(sample.fields.get("ends") or ()))
    found = blocks(text) if text.lstrip().startswith("```") else []
    return found[0].code if found else text


class InfillingEvaluator(CodeEvaluator):
    """HumanEval-Infilling: prompt, answer and suffix together must pass the function's tests.

    `lines="one"` keeps the first line that is not blank, as fits the single-line subset; `lines="suffix"`
    ends an answer where it begins to repeat the suffix, for models that do not end by themselves.
    """

    forms: ClassVar[tuple[str, ...]] = ("completion",)

    def __init__(
        self,
        lines: Literal["all", "one", "suffix"] = "all",
        seconds: Seconds = 3,
        workers: Positive | None = None,
        k: Positive | Sequence[Positive] = (1,),
        min_isolation: Isolation = "strong",
        raw: bool = False,
    ) -> None:
        super().__init__(workers, k, min_isolation, raw)
        if lines not in ("all", "one", "suffix"):
            raise UserError(f"lines cannot be {lines!r}", expected="all, one or suffix")
        self.lines = lines
        self.limits = Limits(cpu_s=seconds, wall_s=6 * seconds + 5, mem_mb=4096)

    def middle(self, sample: Sample, answer: Answer) -> str:
        """What goes into the hole."""
        suffix = str(sample.fields["suffix"])
        text = middle_of(sample, answer, self.ready(answer))
        if self.lines == "all" or self.ready(answer):
            return text
        if self.lines == "suffix":
            return before_suffix(text, suffix)
        line = first_filled_lines(text, 1)
        return line if suffix.startswith("\n") else line + "\n"

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Run the tests on the completed function."""
        fields = sample.fields
        middle = self.middle(sample, answer)
        source = fields["prompt"] + middle + fields["suffix"]
        outcome = run_python_tests(
            self.sandbox,
            source,
            fields["test"],
            fields["entry_point"],
            self.limits,
            _helpers(fields),
            by_check=True,
        )
        score = score_of(sample, repeat, outcome)
        return replace(score, metrics=text_metrics(middle, str(fields["canonical_solution"])))

    def aggregate(self, scores: Iterable[Score]) -> dict[str, Metric]:
        """pass@k, and beside it how like the texts are."""
        kept = list(scores)
        return with_text_metrics(super().aggregate(kept), kept)


def before_suffix(text: str, suffix: str) -> str:
    """The lines before the one that is the suffix's first line that is not blank."""
    first = first_filled_lines(suffix, 1).strip()
    lines = text.splitlines(keepends=True)
    places = (at for at, line in enumerate(lines) if first and line.strip() == first)
    return "".join(lines[: next(places, len(lines))])


def text_metrics(text: str, truth: str) -> dict[str, float]:
    """Exact match, match of the beginning, and edit similarity of two texts, blanks around them aside."""
    text, truth = text.strip(), truth.strip()
    return {
        "exact_match": float(text == truth),
        "prefix_match": prefix_match(text, truth),
        "edit_similarity": edit_similarity(text, truth),
    }


def with_text_metrics(found: dict[str, Metric], scores: Iterable[Score]) -> dict[str, Metric]:
    """Metrics with the means of the text metrics behind them."""
    return {**mean_metric(scores, next(iter(found))), **found} if found else found


def _helpers(fields: Any) -> str:
    """The reference program: trusted, and where the tests' helper functions are."""
    return str(fields["prompt"] + fields["canonical_solution"] + fields["suffix"])


class SafimEvaluator(CodeEvaluator):
    """SAFIM: block and control answers run against stdin tests; API calls are compared as texts.

    Answers end where the benchmark's own post-processing ends them (`cut=False` takes all of them). As in its
    own evaluation the reference's very text passes without being run. All languages but C++ get three times
    the seconds.
    """

    forms: ClassVar[tuple[str, ...]] = ("completion",)

    def __init__(
        self,
        seconds: Seconds = 5,
        run_reference: bool = False,
        cut: bool = True,
        workers: Positive | None = None,
        k: Positive | Sequence[Positive] = (1,),
        min_isolation: Isolation = "strong",
        raw: bool = False,
    ) -> None:
        super().__init__(workers, k, min_isolation, raw)
        self.seconds = seconds
        self.run_reference = run_reference
        self.cut = cut
        self._built: dict[str, bool] = {}

    def obstacle(self, samples: Iterable[Sample]) -> None:
        """The walls, and the compilers of all languages that are run."""
        super().obstacle(samples)
        run = (each.fields for each in samples if each.fields.get("unit_tests"))
        for language in sorted({str(fields["lang"]) for fields in run} - {"python"}):
            installed(language)

    def middle(self, sample: Sample, answer: Answer) -> str:
        """What goes into the hole."""
        fields = sample.fields
        text = middle_of(sample, answer, self.ready(answer))
        if not self.cut or self.ready(answer):
            return text
        subset, language = fields["subset"], fields["lang"]
        if subset == "block":
            before, _, after = fields["eval_prompt"].partition(safim_text.HOLE)
            return safim_text.block_part(text, before, after, language)
        if subset == "control":
            return safim_text.control_part(text, language)
        # A chain of calls that is right as it stands would lose its tail to the cut.
        if same_call(text, fields["ground_truth"], language):
            return text
        return safim_text.call_part(text)

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Run, or compare."""
        fields = sample.fields
        middle = self.middle(sample, answer)
        truth, language = fields["ground_truth"], fields["lang"]
        tests = fields.get("unit_tests")
        if not tests:
            same = same_call(middle, truth, language)
            return Score(sample.id, repeat, "right" if same else "wrong", same, extra=_UNRUN)
        same = safim_text.line_feeds(middle) == safim_text.line_feeds(truth)
        if same and not self.run_reference:
            return Score(sample.id, repeat, "right", True, detail="the reference's own text", extra=_UNRUN)
        if not middle.strip() and answer.text.strip():
            kind: Status = "syntax" if fields["subset"] == "block" else "unextracted"
            return not_run(sample, repeat, kind, "no line of the answer fits into the hole")
        if not middle.strip():
            return not_run(sample, repeat, "unextracted", "nothing in the hole")
        source = safim_text.line_feeds(fields["eval_prompt"].replace(safim_text.HOLE, middle))
        if language == "python" and not parses(source):
            return not_run(sample, repeat, "syntax", "the completed program is not Python")
        inputs = [safim_text.line_feeds(test["input"]) for test in tests]
        seconds = self.seconds if language == "cpp" else 3 * self.seconds

        def wrong(number: int, output: str) -> bool:
            return not any(safim_text.same_output(output, wanted) for wanted in tests[number]["output"])

        ran = run_stdio(self.sandbox, language, source, inputs, seconds, wrong)
        if ran.outcome.status == "compile_error" and not self._builds(sample):
            detail = f"the reference itself does not build here: {ran.outcome.detail}"
            return Score(sample.id, repeat, "error", None, detail=detail[:500], extra=extra_of(ran.outcome))
        for number, (test, output) in enumerate(zip(tests, ran.outputs, strict=False)):
            if not any(safim_text.same_output(output, wanted) for wanted in test["output"]):
                detail = f"test {number}: another output"
                return Score(sample.id, repeat, "wrong", False, detail=detail, extra=extra_of(ran.outcome))
        if ran.outcome.status == "pass" and len(ran.outputs) < len(tests):
            return Score(sample.id, repeat, "wrong", False, detail="ended early", extra=extra_of(ran.outcome))
        return score_of(sample, repeat, ran.outcome)

    def _builds(self, sample: Sample) -> bool:
        """Whether this machine's compiler takes the reference: where it does not, no answer is at fault."""
        if sample.id not in self._built:
            fields = sample.fields
            source = safim_text.line_feeds(
                fields["eval_prompt"].replace(safim_text.HOLE, fields["ground_truth"])
            )
            ran = run_stdio(self.sandbox, fields["lang"], source, [], self.seconds)
            self._built[sample.id] = ran.outcome.status != "compile_error"
        return self._built[sample.id]


def same_call(first: str, second: str, language: str) -> bool:
    """Whether two calls are the same text, blanks aside; in Python, whether their arguments are."""
    one, two = (re.sub(r"\s+", "", text) for text in (first, second))
    if language == "python":
        try:
            calls = [syntax.expression(text) for text in (one, two)]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return one == two
        if all(isinstance(call, ast.Call) for call in calls):
            return _arguments(calls[0]) == _arguments(calls[1])
    return one == two


def _arguments(call: Any) -> tuple[list[str], dict[Any, str]]:
    return [ast.dump(each) for each in call.args], {k.arg: ast.dump(k.value) for k in call.keywords}


class LineMatchEvaluator(RateEvaluator):
    """Single-line infilling by text, as Qwen reports SantaCoder's set: the answer's line equals the truth.

    The answer's line is its first one; its second one when it begins with a line break, with or without a
    blank before that. Each language has a rate of its own where there are several.
    """

    headline: ClassVar[str] = "exact_match"

    def __init__(self, raw: bool = False, workers: Positive | None = None) -> None:
        self._raw = raw

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Exact match and edit similarity of the line."""
        text = middle_of(sample, answer, self._raw)
        lines = text.split("\n")
        line = lines[1 if text.startswith(("\n", " \n")) else 0].strip()
        truth = str(sample.fields["canonical_solution"]).strip()
        same = line == truth
        metrics = {"edit_similarity": edit_similarity(line, truth), "prefix_match": prefix_match(line, truth)}
        if "language" in sample.fields:
            metrics[f"exact_match_{sample.fields['language']}"] = float(same)
        return Score(sample.id, repeat, "right" if same else "wrong", same, metrics, extra=_UNRUN)


class CompletionMatchEvaluator(RateEvaluator):
    """Repository completion by text: lines, chunks and API calls as long as the truth, functions by body."""

    headline: ClassVar[str] = "exact_match"

    def __init__(
        self,
        task: Literal["line", "chunk", "api", "function"] = "line",
        raw: bool = False,
        workers: Positive | None = None,
    ) -> None:
        if task not in ("line", "chunk", "api", "function"):
            raise UserError(f"no completion task {task!r}", expected="line, chunk, api or function")
        self._task = task
        self._raw = raw

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Exact match of tokens, edit similarity, and RepoEval's own similarity."""
        fields = sample.fields
        text, truth = middle_of(sample, answer, self._raw), str(fields["groundtruth"])
        if self._task == "function":
            prompt = str(fields["prompt"])
            text = function_part(prompt, longest_function(prompt, text))
            truth = function_part(prompt, truth)
        else:
            count = len([line for line in truth.split("\n") if line.strip()])
            text = first_filled_lines(text, count)
        text, truth = text.strip(), truth.strip()
        same = code_tokens(text) == code_tokens(truth)
        metrics = {
            "edit_similarity": edit_similarity(text, truth),
            "edit_similarity_repoeval": levenshtein_similarity(text, truth),
            "prefix_match": prefix_match(text, truth),
        }
        return Score(sample.id, repeat, "right" if same else "wrong", same, metrics, extra=_UNRUN)


def longest_function(prompt: str, text: str) -> str:
    """The longest beginning (in lines) that makes Python of the prompt; all of it when none does."""
    lines = text.split("\n")
    for count in range(len(lines), 0, -1):
        part = "\n".join(lines[:count])
        if parses(prompt + part):
            return part.rstrip()
    return text.rstrip()


def function_part(prompt: str, text: str) -> str:
    """What of a continuation lies in the function that the prompt ends in; all of it when there is none."""
    try:
        tree = syntax.module(prompt + text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    last = prompt.rstrip().count("\n") + 1
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.lineno <= last <= (node.end_lineno or node.lineno)
    ]
    if not around:
        return text
    end = max(around, key=lambda node: node.lineno).end_lineno or last
    lines = text.split("\n")
    return "\n".join(lines[: max(1, end - prompt.count("\n"))])
