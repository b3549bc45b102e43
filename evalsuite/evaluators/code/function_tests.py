"""HumanEval and MBPP as first published: the benchmark's own asserts, run out here against the function
inside.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import ClassVar, Literal

from evalsuite import syntax
from evalsuite.bounds import Positive, Seconds
from evalsuite.evaluators.code.base import CodeEvaluator, not_run, score_of
from evalsuite.evaluators.code.evalplus import MBPP_STOPS
from evalsuite.evaluators.code.python_tests import run_python_tests
from evalsuite.evaluators.code.python_text import FUNCTION_STOPS, assembled, completion_end, cut, joined
from evalsuite.sandbox import Isolation, Limits
from evalsuite.types import Answer, Sample, Score

_ANSWER_END = ("[DONE]", "<|endoftext|>", "<|im_end|>", "</s>")


class HumanEvalEvaluator(CodeEvaluator):
    """HumanEval's `check` against the answered function."""

    forms: ClassVar[tuple[str, ...]] = ("solution", "completion")
    flavour = "lean"
    stops: Sequence[str] = FUNCTION_STOPS

    def __init__(
        self,
        extract: Literal["auto", "completion"] = "auto",
        seconds: Seconds = 5,
        workers: Positive | None = None,
        k: Positive | Sequence[Positive] = (1,),
        min_isolation: Isolation = "strong",
        raw: bool = False,
    ) -> None:
        super().__init__(workers, k, min_isolation, raw)
        self.extract = extract
        self.limits = Limits(cpu_s=seconds, wall_s=6 * seconds + 5, mem_mb=4096)

    def program(self, sample: Sample, answer: Answer) -> str | None:
        """The program that an answer stands for; None when there is no code in it."""
        prompt = str(sample.fields["prompt"])
        form = answer.extra.get("form")
        if form == "solution":
            return answer.text
        if form == "completion" or self.raw:
            return prompt + answer.text
        if self.extract == "completion":
            return joined(prompt.strip() + "\n", completion_end(answer.text, self.stops))
        return assembled(prompt, answer.text, sample.fields["entry_point"], self.stops)

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Call the function from the tests."""
        source = self.program(sample, answer)
        if source is None:
            return not_run(sample, repeat, "unextracted", "no code in the answer")
        fields = sample.fields
        # Some tests use helper functions that the prompt defines, and the prompt is trusted.
        prompt, entry = fields["prompt"], fields["entry_point"]
        outcome = run_python_tests(
            self.sandbox, source, fields["test"], entry, self.limits, prompt, by_check=True
        )
        return score_of(sample, repeat, outcome)


class MbppEvaluator(HumanEvalEvaluator):
    """MBPP's asserts against the answered function.

    Asserts that name other things which only the answer defines (a class to build arguments with) have to run
    beside it; such a verdict says `inproc`.
    """

    stops: Sequence[str] = (*MBPP_STOPS, *_ANSWER_END)

    def program(self, sample: Sample, answer: Answer) -> str | None:
        """The code of an answer; MBPP's prompt is prose, so nothing goes before it."""
        if self.ready(answer):
            return answer.text
        if not answer.text.strip():
            return None
        text = cut(answer.text, _ANSWER_END)
        text = text.partition("[BEGIN]")[2] or text
        return assembled("", text, sample.fields["entry_point"], self.stops)

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Run the asserts."""
        source = self.program(sample, answer)
        if source is None:
            return not_run(sample, repeat, "unextracted", "no code in the answer")
        fields = sample.fields
        entry, setup, tests = fields["entry_point"], fields["setup"], fields["tests"]
        if foreign_names(f"{setup}\n{tests}", entry):
            outcome = self.sandbox.inproc(source, f"{setup}\n{tests}", self.limits)
        else:
            outcome = run_python_tests(self.sandbox, source, tests, entry, self.limits, setup)
        return score_of(sample, repeat, outcome)


def foreign_names(tests: str, entry: str) -> set[str]:
    """The names that tests use but neither define nor find among the built-in ones, the entry point aside."""
    import builtins

    tree = syntax.module(tests)
    bound: set[str] = {entry, *dir(builtins)}
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
    return used - bound
