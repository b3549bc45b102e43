"""DS-1000: the answer runs inside the problem's context, beside the test that judges it."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace

from evalsuite.bounds import Positive, Seconds
from evalsuite.evaluators.code.base import CodeEvaluator, not_run, score_of
from evalsuite.evaluators.code.fences import blocks
from evalsuite.evaluators.code.libraries import absent, imported, need_libraries
from evalsuite.evaluators.code.python_text import cut
from evalsuite.sandbox import Isolation, Limits, Outcome
from evalsuite.types import Answer, Sample, Score

ENDS = ("</code>", "# SOLUTION END", "\nEND SOLUTION", "<|endoftext|>", "<|im_end|>", "</s>")
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")


def solution_of(text: str) -> str:
    """The code of an answer: what DS-1000's own clean-up leaves."""
    if "<code>" in text:
        text = text.rpartition("<code>")[2]
    text = cut(text, ENDS)
    found = blocks(text)
    if found:
        text = found[0].code
    text = text.partition("BEGIN SOLUTION")[2] or text
    return text.strip("\n")


class DS1000Evaluator(CodeEvaluator):
    """`test_execution` of the problem's context, and `test_string` where it has one.

    `python` names the interpreter whose libraries are used: a problem whose own library is not installed
    there is an error, and no wrong answer. So is one whose own reference fails there (an interface that newer
    libraries no longer have, a file to be fetched): it is tried once, when an answer to it has failed.
    """

    def __init__(
        self,
        seconds: Seconds = 120,
        workers: Positive | None = None,
        k: Positive | Sequence[Positive] = (1,),
        min_isolation: Isolation = "strong",
        raw: bool = False,
        python: str | None = None,
    ) -> None:
        super().__init__(workers, k, min_isolation, raw, python)
        self.limits = Limits(cpu_s=seconds, wall_s=3 * seconds, mem_mb=16384, nproc=256)
        self._references: dict[str, Outcome] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def obstacle(self, samples: Iterable[Sample]) -> None:
        """The walls, and all libraries of the problems."""
        super().obstacle(samples)
        need_libraries((str(each.fields["code_context"]) for each in samples), self._python)

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Run the test on the answer."""
        code = answer.text if self.ready(answer) else solution_of(answer.text)
        if not code.strip():
            return not_run(sample, repeat, "unextracted", "no code in the answer")
        context = sample.fields["code_context"]
        outcome = self._run(context, code)
        if outcome.status not in ("pass", "harness_error"):
            outcome = self._blamed(outcome, context, sample.fields.get("reference_code", ""))
        return score_of(sample, repeat, outcome)

    def _run(self, context: str, code: str) -> Outcome:
        """What becomes of a solution in its context."""
        test = f"_answer_ = {code!r}\ntest_execution(_answer_)\n"
        if "def test_string(" in context:
            test += "test_string(_answer_)\n"
        return self.sandbox.inproc(context, test, self.limits, flavour="scientific")

    def _blamed(self, outcome: Outcome, context: str, reference: str) -> Outcome:
        """A failure as it is, or as the environment's when a library is missing or the reference fails."""
        missing = _NO_MODULE.search(outcome.detail)
        if missing and missing[1].split(".")[0] in imported(context) and absent(missing[1], self._python):
            detail = f"the library {missing[1]!r} is not installed"
            return replace(outcome, status="harness_error", detail=detail)
        if not reference.strip():
            return outcome
        ran = self._reference(context, reference)
        if ran.status == "pass":
            return outcome
        lines = ran.detail.strip().splitlines()
        detail = f"the reference itself fails here ({ran.status}): {lines[-1] if lines else ''}"
        return replace(outcome, status="harness_error", detail=detail)

    def _reference(self, context: str, reference: str) -> Outcome:
        """What becomes of the reference, run once for all answers to a problem."""
        key = hashlib.sha256(f"{context}\0{reference}".encode("utf-8", "surrogatepass")).hexdigest()
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._references:
                self._references[key] = self._run(context, reference)
            return self._references[key]
