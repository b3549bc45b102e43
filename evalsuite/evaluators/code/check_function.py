"""Tasks in HumanEval's format: a `check(candidate)` function that calls what the model wrote.

The check runs here, outside of the sandbox, against a stand-in that sends arguments in and takes plain data
back; so the code under test never sees what is expected of it. The check is the benchmark's own code and is
trusted, as are its prompt and reference solution, which bring the helper functions that some checks use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from evalsuite.evaluators.code.base import CodeEvaluator, not_run, score_of
from evalsuite.evaluators.code.python_text import assembled
from evalsuite.sandbox import Limits
from evalsuite.types import Answer, Sample, Score

LIMITS = Limits(cpu_s=3, wall_s=20)


class CheckFunctionEvaluator(CodeEvaluator):
    """Right when the benchmark's `check` accepts the function that the answer defines (pass@k)."""

    needs: ClassVar[tuple[str, ...]] = ()

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Run one answer against the check of its task."""
        fields = sample.fields
        source = (
            fields["prompt"] + answer.text
            if self.raw
            else assembled(fields["prompt"], answer.text, fields["entry_point"])
        )
        if source is None:
            return not_run(sample, repeat, "unextracted", "no code in the answer")
        outcome = self.sandbox.calls(source, fields["entry_point"], trusted_check(fields), LIMITS)
        return score_of(sample, repeat, outcome)


def trusted_check(fields: Any) -> Callable[[Callable[..., Any]], None]:
    """The task's `check` as a function of the candidate."""

    def check(candidate: Callable[..., Any]) -> None:
        scope: dict[str, Any] = {}
        exec(compile(fields["prompt"] + fields["canonical_solution"], "<reference>", "exec"), scope)
        scope[fields["entry_point"]] = candidate
        exec(compile(fields["test"], "<check>", "exec"), scope)
        scope["check"](candidate)

    return check
