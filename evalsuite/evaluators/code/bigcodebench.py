"""BigCodeBench: unit tests that patch the very module they test, so they have to run inside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from evalsuite.bounds import Positive, Seconds
from evalsuite.evaluators.code.base import CodeEvaluator, not_run, score_of
from evalsuite.evaluators.code.libraries import absent, imported, need_libraries
from evalsuite.evaluators.code.python_text import completion_end, defines, fenced, joined
from evalsuite.evaluators.code.sanitize import sanitized_bigcodebench
from evalsuite.sandbox import Isolation, Limits
from evalsuite.types import Answer, Sample, Score

_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
FIRST_FENCED_BODY = "```python\n    "


class BigCodeBenchEvaluator(CodeEvaluator):
    """Every test method of `TestCases` must run and succeed.

    With `calibrated` (as published) the function's head goes before the answer once more, so that an answer
    without its imports is not failed for them. `python` names the interpreter whose libraries are used: a
    problem whose own libraries are not installed there is an error, and no wrong answer.
    """

    forms: ClassVar[tuple[str, ...]] = ("solution", "completion")

    def __init__(
        self,
        split: Literal["complete", "instruct"] = "complete",
        calibrated: bool = True,
        seconds: Seconds = 240,
        workers: Positive | None = None,
        k: Positive | Sequence[Positive] = (1,),
        min_isolation: Isolation = "strong",
        raw: bool = False,
        python: str | None = None,
    ) -> None:
        super().__init__(workers, k, min_isolation, raw, python)
        self.split = split
        self.calibrated = calibrated
        self.limits = Limits(cpu_s=seconds, wall_s=2 * seconds, mem_mb=16384, nproc=256, fsize_mb=256)

    def solution(self, sample: Sample, answer: Answer) -> str | None:
        """The code of an answer, cleaned as BigCodeBench does; None when there is none."""
        fields, text = sample.fields, answer.text
        if answer.extra.get("form") == "completion":
            return str(fields["complete_prompt"]) + text
        if self.ready(answer):
            return text
        if not text.strip():
            return None
        text = text.replace("\t", "    ")  # as the benchmark's own generation does before its cleaning
        entry = fields["entry_point"]
        if self.calibrated:
            text = text.replace(FIRST_FENCED_BODY, f"```python\n{fields['complete_prompt']}    ")
        code = fenced(text, entry)
        if code is None:
            code = text if defines(text, entry) else completion_end(text)
        if not defines(code, entry):
            code = joined(fields["complete_prompt"], code)
        # The first definition of a name is kept: the prompt's own must not stand before the answer's.
        return sanitized_bigcodebench(code, entry)

    def obstacle(self, samples: Iterable[Sample]) -> None:
        """The walls, and all libraries of the problems."""
        super().obstacle(samples)
        need_libraries(map(_given, samples), self._python)

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Run the unit tests."""
        solution = self.solution(sample, answer)
        if solution is None:
            return not_run(sample, repeat, "unextracted", "no code in the answer")
        fields = sample.fields
        head = f"{fields['code_prompt']}\n    pass\n" if self.calibrated else ""
        outcome = self.sandbox.inproc(
            head + solution,
            fields["test"],
            self.limits,
            unittest_class="TestCases",
            module="__test__",
            loopback=True,
        )
        missing = _NO_MODULE.search(outcome.detail) if outcome.status != "pass" else None
        if (
            missing
            and missing[1].split(".")[0] in imported(_given(sample))
            and absent(missing[1], self._python)
        ):
            outcome = replace(
                outcome, status="harness_error", detail=f"the library {missing[1]!r} is not installed"
            )
        return score_of(sample, repeat, outcome)


def _given(sample: Sample) -> str:
    """What the problem itself imports and needs: the head of its function and its tests."""
    return f"{sample.fields['code_prompt']}\n    pass\n{sample.fields['test']}"
