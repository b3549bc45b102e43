"""HumanEval+ and MBPP+: a function is called with many inputs, and its values are compared out here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from evalsuite.bounds import Positive
from evalsuite.errors import UserError
from evalsuite.evaluators.code.base import DETAIL_CHARS, STATUS_OF, CodeEvaluator, extra_of, not_run, shown
from evalsuite.evaluators.code.evalplus_rules import (
    MIN_SECONDS,
    NOT_NONE,
    RULES,
    TASK_SECONDS,
    TIME_FACTOR,
    Comparison,
    Rules,
    checked_rules,
)
from evalsuite.evaluators.code.expected import Expected, ExpectedValues
from evalsuite.evaluators.code.independent import calls_are_independent
from evalsuite.evaluators.code.mbpp_inputs import mbpp_inputs
from evalsuite.evaluators.code.python_text import FUNCTION_STOPS, assembled, completion_end, joined
from evalsuite.evaluators.code.sanitize import sanitized
from evalsuite.evaluators.code.values import Values
from evalsuite.sandbox import CallResult, Calls, Died, Isolation, Limits, Outcome, Raised, Returned, TimedOut
from evalsuite.types import Answer, Sample, Score, Status

Extract = Literal["auto", "completion", "sanitize"]
MBPP_STOPS = (
    *("<|endoftext|>", "<|endofmask|>", "<|im_end|>", "</s>", "\nif __name__", "\ndef main(", "\nprint("),
    *('\n"""', "\nassert", "\n```"),
)

_QUICK_SECONDS = 0.05
_SHARE_SECONDS = 1.0
"""What each of the processes that share a task has to do at least, by the reference's times."""
_LOOP = re.compile(r"\b(?:for|while)\b")
_RECURSION = 10
_MOST = 10**12  # of what may be counted up to; beyond it, numbers are only numbers
_GUESSED_S = 1e-6  # next to nothing, so that what is known goes before what is guessed
SWING = 1.5
"""How much longer the same calls may take from one moment to the next on a machine with other work."""


@dataclass(frozen=True)
class _Part:
    """One half of a task: its inputs, and what the reference makes of them."""

    arguments: Sequence[Sequence[Any]]
    expected: Expected
    slack: float = 1.0

    def limits(self, rules: Rules) -> list[float]:
        """The processor seconds that each call may use."""
        return [max(MIN_SECONDS[rules], self.slack * TIME_FACTOR * each) for each in self.expected.seconds]

    def of(self, chosen: Sequence[int]) -> _Part:
        """Some of its inputs."""
        return _Part([self.arguments[at] for at in chosen], self.expected.some(chosen), self.slack)

    def total(self, rules: Rules) -> float:
        """The processor seconds that all calls may use.

        A task gets four times what its reference takes here, whatever the rules' cap: that this machine is
        slow, or has become slow since the reference ran, is no fault of the answer.
        """
        of_reference = self.slack * TIME_FACTOR * sum(self.expected.seconds)
        return max(min(TASK_SECONDS, sum(self.limits(rules))), of_reference) + 1


@dataclass(frozen=True)
class _Half:
    """How a program did on the base or on the plus inputs."""

    status: Status
    detail: str = ""

    @property
    def right(self) -> bool:
        return self.status == "right"


@dataclass(frozen=True)
class _Ran:
    """One program on some parts: how it did, and whether each part is right by the other rules."""

    outcome: Outcome
    halves: tuple[_Half, ...]
    others: tuple[bool, ...]

    @property
    def timed_out(self) -> bool:
        return any(half.status == "timeout" for half in self.halves)


class EvalPlusEvaluator(CodeEvaluator):
    """EvalPlus's verdict: `base` inputs alone, and `plus` inputs on top; an answer is right when both are.

    `count="base"` makes the base inputs alone decide. `extract` says how a program is made of a text:
    "completion" cuts a continuation at the published stop strings, "sanitize" is EvalPlus's own cleaning of
    chat answers, "auto" looks at the text. The other reading of the rules is computed beside the chosen one
    where they differ (MBPP).
    """

    forms: ClassVar[tuple[str, ...]] = ("solution", "completion")
    ahead: ClassVar[int] = 400
    flavour = "lean"
    parts: ClassVar[dict[str, str]] = {"base": "base_", "plus": "plus_", "other_rules": "other_rules_"}

    def __init__(
        self,
        rules: str = "0.2.1",
        count: Literal["base", "plus"] = "plus",
        extract: Extract = "auto",
        workers: Positive | None = None,
        k: Positive | Sequence[Positive] = (1,),
        min_isolation: Isolation = "strong",
        raw: bool = False,
    ) -> None:
        super().__init__(workers, k, min_isolation, raw)
        self.rules = checked_rules(rules)
        self.other = next(each for each in RULES if each != self.rules)
        if count not in ("base", "plus"):
            raise UserError(f"no inputs are called {count!r}", where="count", expected="base or plus")
        self.count = count
        if extract not in ("auto", "completion", "sanitize"):
            raise UserError(f"no extraction {extract!r}", expected="auto, completion or sanitize")
        self.extract = extract
        self._expected = ExpectedValues(lambda: self.sandbox)

    def weight(self, sample: Sample, answers: Sequence[Answer]) -> float:
        """What the reference takes, as one problem alone may take as long as all the others; where that is
        next to nothing, programs that look as if they could run into their limit come before the others.
        """
        entry = sample.fields["entry_point"]
        calls = _calls(sample)
        known = self._expected.seconds(_reference(sample), entry, calls)
        loops = max((_loops(answer.text, entry) for answer in answers), default=0)
        return known or (loops + len(str(_largest(calls)))) * _GUESSED_S

    def program(self, sample: Sample, answer: Answer) -> str | None:
        """The program that an answer stands for; None when there is no code in it."""
        prompt, entry = sample.fields["prompt"], sample.fields["entry_point"]
        form = answer.extra.get("form")
        if form == "solution":
            return answer.text
        if form == "completion" or self.raw:
            return str(prompt) + answer.text
        mbpp = _is_mbpp(sample)
        if self.extract == "completion":
            stops = MBPP_STOPS if mbpp else FUNCTION_STOPS
            return joined(prompt.strip() + "\n", completion_end(answer.text, stops))
        if self.extract == "sanitize":
            return sanitized(answer.text.replace("\t", "    "), entry)
        if mbpp:
            return assembled(prompt, answer.text, entry, MBPP_STOPS)
        return assembled(prompt, answer.text, entry)

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Run the function on all inputs of the task and compare."""
        source = self.program(sample, answer)
        if source is None:
            return not_run(sample, repeat, "unextracted", "no code in the answer", ("base", "plus"))
        parts = self._parts(sample)
        ran = self._run(sample, source, parts)
        if ran.timed_out and any(max(part.limits(self.rules)) > MIN_SECONDS[self.rules] for part in parts):
            # The reference's own time set the limit, and both swing with what else the machine does.
            ran = self._run(sample, source, self._parts(sample, too_slow_for=parts))
        base, plus = ran.halves
        extra = extra_of(ran.outcome, base_status=base.status, plus_status=plus.status)
        decisive = base if self.count == "base" or not base.right else plus
        if decisive.status == "error":
            return Score(sample.id, repeat, "error", None, {}, decisive.detail, extra)
        metrics = {"base": float(base.right), "plus": float(base.right and plus.right)}
        if _is_mbpp(sample):
            metrics["other_rules"] = float(all(ran.others[:1] if self.count == "base" else ran.others))
        detail = decisive.detail[:DETAIL_CHARS]
        return Score(sample.id, repeat, decisive.status, decisive.right, metrics, detail, extra)

    def _parts(self, sample: Sample, too_slow_for: Sequence[_Part] = ()) -> list[_Part]:
        """Both halves of a task; after a time-out with the reference timed again and room for its swing."""
        fields = sample.fields
        entry = fields["entry_point"]
        calls = _calls(sample)
        if too_slow_for:
            known = tuple(each for part in too_slow_for for each in part.expected.seconds)
            found = self._expected.timed_again(_reference(sample), entry, calls, known)
        else:
            found = self._expected.of(_reference(sample), entry, calls)
        if _is_mbpp(sample) and entry in NOT_NONE:
            found = replace(found, values=Values.of([value is not None for value in found.values]))
        whole = _Part(calls, found, SWING if too_slow_for else 1.0)
        edge = len(fields["base_input"])
        return [whole.of(range(edge)), whole.of(range(edge, len(calls)))]

    def _run(self, sample: Sample, source: str, parts: Sequence[_Part]) -> _Ran:
        """Base and plus inputs in one process; what fails only on the plus inputs gets a process of its own.

        EvalPlus gives each half its own process, so what the base inputs left behind in the program's globals
        must not decide. Running both at once first is what makes the common cases cheap.
        """
        shared = self._shared(sample, source, parts)
        if shared is not None:
            return shared
        first = self._once(sample, source, parts)
        base, plus = first.halves
        if not base.right or plus.right or plus.status in ("error", "timeout"):
            return first
        again = self._once(sample, source, parts[1:])
        return _Ran(again.outcome, (base, again.halves[0]), (first.others[0], again.others[0]))

    def _shared(self, sample: Sample, source: str, parts: Sequence[_Part]) -> _Ran | None:
        """A slow task over several processes, so that one answer does not keep all the others waiting.

        For programs whose calls have nothing to do with each other, and for right answers alone: what any of
        the processes is not content with is for the usual way to judge, one call after another.
        """
        shares = _shares(parts, self.workers)
        if len(shares) < 2 or not calls_are_independent(source):
            return None
        ran = [self._once(sample, source, [part.of(_quick(part)) for part in parts])]
        if not _all_right(ran):
            return None
        with self.sandbox.threads("share") as pool:
            ran += pool.map(lambda share: self._once(sample, source, share), shares)
        spent = sum(each.outcome.cpu_s for each in ran)
        if not _all_right(ran) or spent > sum(part.total(self.rules) for part in parts):
            return None
        others = tuple(all(each.others[at] for each in ran) for at in range(len(parts)))
        return _Ran(replace(ran[0].outcome, cpu_s=spent), ran[0].halves, others)

    def _once(self, sample: Sample, source: str, parts: Sequence[_Part]) -> _Ran:
        """All inputs of some parts in one process, ended when wrong by both readings of the rules."""
        fields = sample.fields
        entry = parts[0].expected.entry or fields["entry_point"]
        arguments = [call for part in parts for call in part.arguments]
        places = [(part.expected.values, at) for part in parts for at in range(len(part.arguments))]
        wanted = Values(lambda at: places[at][0][places[at][1]], range(len(places)))
        limits = [part.limits(self.rules) for part in parts]
        total = sum(part.total(self.rules) for part in parts)
        readings = [
            _Reading(rules, sample, parts)
            for rules in ((self.rules, self.other) if _is_mbpp(sample) else (self.rules,))
        ]

        def stop(index: int, result: CallResult) -> bool:
            value = wanted[index] if isinstance(result, Returned) else None
            agreed = [reading.take(index, result, arguments[index], value) for reading in readings]
            return not any(agreed)

        ran = self.sandbox.run_calls(
            source + parts[0].expected.wrapper,
            entry,
            [(call, {}) for call in arguments],
            Limits(cpu_s=total, wall_s=10 * total + 60, mem_mb=4096),
            per_call_s=[seconds for each in limits for seconds in each],
            stop_on=stop,
        )
        halves: list[_Half] = []
        others: list[bool] = []
        place = 0
        for part in parts:
            end = place + len(part.arguments)
            at = readings[0].wrong_at(ran.answered, len(arguments))
            halves.append(_Half("right") if at >= end else _failure(ran, at, wanted, at - place))
            others.append(readings[-1].wrong_at(ran.answered, len(arguments)) >= end)
            place = end
        return _Ran(ran.outcome, tuple(halves), tuple(others))


class _Reading:
    """One reading of the rules as the values of a program come in."""

    def __init__(self, rules: Rules, sample: Sample, parts: Sequence[_Part]) -> None:
        fields = sample.fields
        self._starts: dict[int, Comparison] = {}
        place = 0
        for part in parts:
            self._starts[place] = Comparison(rules, _is_mbpp(sample), fields["entry_point"], fields["atol"])
            place += len(part.arguments)
        self._current = self._starts[0]
        self._wrong: int | None = None

    def take(self, index: int, result: CallResult, arguments: Sequence[Any], wanted: Any) -> bool:
        """Note one value; whether all so far are right."""
        self._current = self._starts.get(index, self._current)
        if self._wrong is None and not (
            isinstance(result, Returned) and self._current.agrees(arguments, result.value, wanted)
        ):
            self._wrong = index
        return self._wrong is None

    def wrong_at(self, answered: int, asked: int) -> int:
        """The number of the first input that was not answered right; the count of inputs when all were."""
        if self._wrong is not None:
            return self._wrong
        return min(answered, asked)


def _all_right(ran: Sequence[_Ran]) -> bool:
    return all(half.right for each in ran for half in each.halves)


def _loops(text: str, entry: str) -> int:
    """How many loops a program seems to have; what returns a value of its own counts as many."""
    recursive = any(f"{entry}(" in line for line in text.split("\n") if "return " in line)
    return len(_LOOP.findall(text)) + _RECURSION * recursive


def _largest(calls: Sequence[Sequence[Any]]) -> int:
    """The largest number that is an argument of its own: it may well say how often something is done."""
    return max((value for call in calls for value in call if type(value) is int and value < _MOST), default=0)


def _quick(part: _Part) -> list[int]:
    """The inputs that cost next to nothing: most wrong answers fail on one of them."""
    return [at for at, seconds in enumerate(part.expected.seconds) if seconds < _QUICK_SECONDS]


def _shares(parts: Sequence[_Part], most: int) -> list[list[_Part]]:
    """The slow inputs of a task in shares of like length, by the reference's times; none when it is fast."""
    times = [
        (seconds, half, at)
        for half, part in enumerate(parts)
        for at, seconds in enumerate(part.expected.seconds)
        if seconds >= _QUICK_SECONDS
    ]
    most = min(most, int(sum(seconds for seconds, _, _ in times) / _SHARE_SECONDS), len(times))
    shares: list[list[tuple[int, int]]] = [[] for _ in range(most)]
    lengths = [0.0] * most
    for seconds, half, at in sorted(times, reverse=True) if most > 1 else ():
        shortest = lengths.index(min(lengths))
        lengths[shortest] += seconds
        shares[shortest].append((half, at))
    return [
        [part.of(sorted(at for half, at in share if half == number)) for number, part in enumerate(parts)]
        for share in shares
    ]


def _failure(ran: Calls, at: int, wanted: Values, number: int) -> _Half:
    """Why a program is not right: what its first wrong input gave."""
    result = ran.results[at] if 0 <= at < len(ran.results) else None
    where = f"input {number}" if number >= 0 else "an earlier input"
    if isinstance(result, Returned):
        return _Half("wrong", f"{where}: returned {shown(result.value)}, expected {shown(wanted[at])}")
    if isinstance(result, Raised):
        return _Half("wrong", f"{where}: raised {result.kind}: {result.message}")
    if isinstance(result, TimedOut):
        return _Half("timeout", f"{where}: processor time of one call")
    status, detail = (result.status, result.detail) if isinstance(result, Died) else ("fail", "")
    if status in ("pass", "fail") and ran.outcome.status not in ("pass", "fail"):
        status = ran.outcome.status
    return _Half(STATUS_OF[status], f"{where}: {detail or ran.outcome.detail}")


def _reference(sample: Sample) -> str:
    return str(sample.fields["prompt"] + sample.fields["canonical_solution"])


def _calls(sample: Sample) -> list[Sequence[Any]]:
    """The arguments of all calls, those of the base inputs first."""
    calls = [*sample.fields["base_input"], *sample.fields["plus_input"]]
    return list(mbpp_inputs(sample.id, calls)) if _is_mbpp(sample) else calls


def _is_mbpp(sample: Sample) -> bool:
    return sample.id.startswith("Mbpp/")
