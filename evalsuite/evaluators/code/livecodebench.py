"""LiveCodeBench: call and stdin tests, test-output prediction, code execution.

Two readings of an answer's output exist. "2025" is the benchmark's present one: line by line, numbers
compared as decimals. "2024" is that of the release which Qwen's tables were made with: a ladder of ever
looser comparisons.
"""

from __future__ import annotations

import ast
import contextlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Literal

from evalsuite import syntax
from evalsuite.bounds import Positive, Seconds
from evalsuite.errors import UserError
from evalsuite.evaluators.code.base import STATUS_OF, CodeEvaluator, extra_of, not_run, score_of, shown
from evalsuite.evaluators.code.stdio import run_stdio
from evalsuite.sandbox import CallResult, Isolation, Limits, Returned
from evalsuite.types import Answer, Sample, Score, Status

Reading = Literal["2024", "2025"]
_STARS = (
    *("string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics"),
    *("itertools", "functools", "operator", "io", "sys", "json", "builtins", "typing"),
)
_PLAIN = tuple(name for name in _STARS if name not in ("builtins", "typing"))
PREAMBLE = (
    "\n".join((*(f"from {name} import *" for name in _STARS), *(f"import {name}" for name in _PLAIN)))
    + "\nsys.setrecursionlimit(50000)\n"
)


def fenced_code(text: str, which: Literal["first", "last"] = "first") -> str | None:
    """What stands between the first two lines with a fence, or the last two; None with fewer than two."""
    lines = text.split("\n")
    marks = [at for at, line in enumerate(lines) if "```" in line]
    if len(marks) < 2:
        return None
    first, last = marks[:2] if which == "first" else marks[-2:]
    return "\n".join(lines[first + 1 : last])


def as_script(code: str) -> str:
    """The program with its main part run: `if __name__ == "__main__":` is true in a script anyway."""
    return PREAMBLE + code


def same_lines(got: str, wanted: str) -> bool:
    """The present reading: as many lines, each the same text or the same decimal numbers."""
    ours, theirs = ([line.strip() for line in text.strip().split("\n")] for text in (got, wanted))
    if len(ours) != len(theirs):
        return False
    return all(one == two or _same_decimals(one, two) for one, two in zip(ours, theirs, strict=True))


def _same_decimals(one: str, two: str) -> bool:
    ours, theirs = one.split(), two.split()
    if len(ours) != len(theirs):
        return False
    try:
        return [Decimal(word) for word in ours] == [Decimal(word) for word in theirs]
    except (InvalidOperation, ValueError):
        return False


def same_by_ladder(got: str, wanted: str) -> bool:
    """The reading of 2024: text, then lines, then numbers that are close, then the sets of words."""
    if same_lines(got, wanted) or got.strip() == wanted.strip():
        return True
    ours, theirs = (
        [line.strip() for line in text.strip().split("\n") if line.strip()] for text in (got, wanted)
    )
    if ours == theirs:
        return True
    if len(ours) == len(theirs) and all(
        _close(one.split(), two.split()) for one, two in zip(ours, theirs, strict=True)
    ):
        return True
    wanted_words = {frozenset(line.split()) for line in theirs}
    found: set[frozenset[str]] = set()
    for line in ours:
        words = frozenset(line.split())
        if words not in wanted_words:
            return False  # before a long output has filled the memory
        found.add(words)
    return found == wanted_words


def _close(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    if len(ours) != len(theirs):
        return False
    try:
        return all(
            math.isclose(float(a), float(b), rel_tol=1e-5, abs_tol=1e-8)
            for a, b in zip(ours, theirs, strict=True)
        )
    except ValueError:
        return False


def same_value(got: Any, wanted: Any, reading: Reading) -> bool:
    """Equality of a returned value, a tuple standing for a list; in 2024 also with the first of several."""
    if isinstance(got, tuple):
        got = list(got)
    if got == wanted:
        return True
    if reading == "2025":
        return False
    if isinstance(wanted, list) and wanted and got == wanted[0]:
        return True
    if isinstance(got, list) and got and isinstance(got[0], tuple):
        return bool([list(item) if isinstance(item, tuple) else item for item in got] == wanted)
    return False


def first_other_output(
    outputs: Sequence[str], tests: Sequence[dict[str, str]], reading: Reading
) -> int | None:
    """The number of the first test whose output differs by a reading; None when none of them does."""
    same = same_lines if reading == "2025" else same_by_ladder
    pairs = enumerate(zip(outputs, tests, strict=False))
    return next((number for number, (got, test) in pairs if not same(got, test["output"])), None)


class LiveCodeBenchEvaluator(CodeEvaluator):
    """Generated code against all tests of a problem, by both readings: `reading` decides, the other one is
    the metric `other_reading`.

    `fence` chooses the fenced block: "first" as in Qwen's instruct table, "last" for answers that reason
    first, "none" for base models, which go on with code.
    """

    parts: ClassVar[dict[str, str]] = {"other_reading": "other_reading_"}
    flavour = "lean"
    ahead: ClassVar[int] = 16  # the tests of a problem are megabytes

    def __init__(
        self,
        reading: Reading = "2025",
        fence: Literal["first", "last", "none"] = "last",
        seconds: Seconds = 6,
        workers: Positive | None = None,
        k: Positive | Sequence[Positive] = (1, 5),
        min_isolation: Isolation = "strong",
        raw: bool = False,
    ) -> None:
        super().__init__(workers, k, min_isolation, raw)
        if reading not in ("2024", "2025"):
            raise UserError(f"LiveCodeBench has no reading {reading!r}", expected="2024 or 2025")
        if fence not in ("first", "last", "none"):
            raise UserError(f"no fence is called {fence!r}", expected="first, last or none")
        self.reading: Reading = reading
        self.other: Reading = "2024" if reading == "2025" else "2025"
        self.fence: Literal["first", "last", "none"] = fence
        self.seconds = seconds

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Run the tests in their order, up to the first that fails."""
        code: str | None = answer.text
        if self.fence != "none" and not self.raw:
            code = fenced_code(answer.text, self.fence)
        if code is None or not code.strip():
            return not_run(sample, repeat, "unextracted", "no fenced code in the answer", ("other_reading",))
        tests = sample.fields["tests"]
        if not tests:  # nothing would be tested, and every answer right
            return Score(sample.id, repeat, "error", None, detail="the problem has no tests")
        if sample.fields["func_name"] or tests[0].get("testtype") == "functional":
            return self._calls(sample, repeat, code, tests)
        return self._stdin(sample, repeat, code, tests)

    def _stdin(self, sample: Sample, repeat: int, code: str, tests: Sequence[dict[str, str]]) -> Score:
        inputs = [test["input"] for test in tests]

        def wrong_by_both(number: int, output: str) -> bool:
            wanted = tests[number]["output"]
            return not (same_lines(output, wanted) or same_by_ladder(output, wanted))

        source = as_script(code)
        ran = run_stdio(self.sandbox, "python", source, inputs, self.seconds, wrong_by_both, any_exit=True)
        wrong = {
            reading: first_other_output(ran.outputs, tests, reading) for reading in (self.reading, self.other)
        }
        outcome = ran.outcome
        if (number := wrong[self.reading]) is not None:
            outcome = replace(outcome, status="fail", detail=f"test {number}: another output")
        other = ran.outcome.status == "pass" and wrong[self.other] is None
        return self._with_other(score_of(sample, repeat, outcome), other)

    def _with_other(self, score: Score, right: bool) -> Score:
        """The score with the verdict of the other reading beside it."""
        return score if score.correct is None else replace(score, metrics={"other_reading": float(right)})

    def _calls(self, sample: Sample, repeat: int, code: str, tests: Sequence[dict[str, str]]) -> Score:
        name = sample.fields["func_name"]
        source = f"{PREAMBLE}\n{code}\n"
        if re.search(r"^class\s+Solution\b", code, re.MULTILINE):
            source += f"\ndef _solve_(*arguments):\n    return Solution().{name}(*arguments)\n"
            name = "_solve_"
        calls = [[json.loads(line) for line in test["input"].split("\n")] for test in tests]
        wanted = [json.loads(test["output"]) for test in tests]
        wrong: dict[Reading, int] = {}

        def stop(index: int, result: CallResult) -> bool:
            for reading in (self.reading, self.other):
                if not (isinstance(result, Returned) and same_value(result.value, wanted[index], reading)):
                    wrong.setdefault(reading, index)
            return len(wrong) == 2

        total = self.seconds * len(tests) + 5
        ran = self.sandbox.run_calls(
            source,
            name,
            [(call, {}) for call in calls],
            Limits(cpu_s=total, wall_s=3 * total, mem_mb=4096),
            per_call_s=self.seconds,
            stop_on=stop,
        )
        whole = ran.answered == len(tests)
        other = whole and self.other not in wrong
        if whole and self.reading not in wrong:
            return self._with_other(score_of(sample, repeat, replace(ran.outcome, status="pass")), other)
        status = STATUS_OF[ran.outcome.status]
        at = wrong.get(self.reading, ran.answered)
        last = ran.results[at] if at < len(ran.results) else None
        if type(last).__name__ == "TimedOut":
            status = "timeout"
        status = "wrong" if status == "right" or isinstance(last, Returned) else status
        where = f"test {at}: "
        detail = f"{where}{shown(last, 250) if last is not None else ran.outcome.detail}"[:300]
        correct = None if status == "error" else False
        score = Score(sample.id, repeat, status, correct, {}, detail, extra_of(ran.outcome))
        return self._with_other(score, other)


_MOST_LINES = 200
_MOST_TRIED = 50  # assertions that do not parse; a model in a loop writes thousands
_LONGEST = 100_000  # letters; a literal of millions can be made to take hours where it becomes a set


def predicted_output(text: str) -> str | None:
    """What stands behind `==` in the last assertion of the answer: of its fenced code, its [ANSWER] part, or
    the whole text. An answer without an assertion is an equality, or the output alone.
    """
    if "[ANSWER]" in text:
        text = text.split("[ANSWER]")[-1].split("[/ANSWER]")[0]
    else:
        code = fenced_code(text, "last")
        text = code if code is not None else text
    text = text.strip()
    lines = text.split("\n")
    starts = [at for at, line in enumerate(lines) if line.lstrip().startswith("assert") and "==" in line]
    for start in reversed(starts[-_MOST_TRIED:]):
        found = _asserted(lines[start : start + _MOST_LINES])
        if found is not None:
            return found
    if starts:
        return lines[starts[-1]].rsplit("==", 1)[1].strip()
    if len(text) > _LONGEST or _literal(text) is not _NOTHING:
        return text
    found = _right_side(text)
    return found if found is not None else text.rsplit("==", 1)[-1].strip() or None


def _asserted(lines: Sequence[str]) -> str | None:
    """The right side of the assertion that these lines begin with; it may go over several of them."""
    for end in range(1, len(lines) + 1):
        found = _right_side("\n".join(lines[:end]).strip())
        if found is not None:
            return found
    return None


def _right_side(text: str) -> str | None:
    """The right side when the text is one assertion of an equality, or one equality."""
    try:
        body = syntax.module(text).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    if len(body) != 1:
        return None
    whole = body[0]
    test = (
        whole.test if isinstance(whole, ast.Assert) else whole.value if isinstance(whole, ast.Expr) else None
    )
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return None
    return ast.get_source_segment(text, test.comparators[0])


class OutputPredictionEvaluator(CodeEvaluator):
    """Test-output prediction and code execution: the value of what is answered is compared with the known
    output.
    """

    limits: ClassVar[Limits] = Limits(cpu_s=5, wall_s=30, mem_mb=1024)

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Compare as values; what is no literal is worked out in the sandbox, without the problem's code."""
        text = answer.text.strip() if self.raw else predicted_output(answer.text)
        if not text:
            return not_run(sample, repeat, "unextracted", "no output in the answer")
        expected = str(sample.fields["expected"])
        if len(text) > _LONGEST:
            return not_run(sample, repeat, "wrong", "the answer is far too long")
        wanted = _literal(expected)
        if wanted is _NOTHING:
            wanted = sample.fields["expected"]
        value = _literal(text)
        if value is _NOTHING:
            return self._worked_out(sample, repeat, text, wanted)
        same = bool(value == wanted)
        extra = {"isolation": "none", "integrity": "split", "cpu_s": 0.0}
        return Score(sample.id, repeat, "right" if same else "wrong", same, extra=extra)

    def _worked_out(self, sample: Sample, repeat: int, text: str, wanted: Any) -> Score:
        """The verdict on an expression: `10**9 + 7`, `float("inf")`."""
        if not _is_expression(text):
            return not_run(sample, repeat, "syntax", "the answer is no expression")
        source = f"def _answer_():\n    return (\n{text}\n)\n"
        ran = self.sandbox.run_calls(source, "_answer_", [((), {})], self.limits)
        result = ran.results[0] if ran.results else None
        if isinstance(result, Returned):
            same = bool(result.value == wanted)
            status: Status = "right" if same else "wrong"
            return Score(sample.id, repeat, status, same, extra=extra_of(ran.outcome))
        outcome = ran.outcome if ran.outcome.status != "pass" else replace(ran.outcome, status="fail")
        return score_of(sample, repeat, replace(outcome, detail=str(result)[:300] or outcome.detail))


_NOTHING = object()


def _is_expression(text: str) -> bool:
    try:
        body = syntax.module(f"(\n{text}\n)").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return len(body) == 1 and isinstance(body[0], ast.Expr)


def _literal(text: str) -> Any:
    with contextlib.suppress(ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return syntax.literal(text)
    try:
        return json.loads(text)
    except ValueError:
        return _NOTHING
