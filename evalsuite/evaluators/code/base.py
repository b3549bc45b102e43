"""What all evaluators that run code share: sandbox workers kept full by a bounded number of threads."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from evalsuite.bounds import Positive
from evalsuite.cores import usable_cores
from evalsuite.errors import UserError
from evalsuite.evaluators.base import AnsweredSample
from evalsuite.evaluators.code import sandboxes
from evalsuite.evaluators.code.said import said
from evalsuite.stats import pass_metrics
from evalsuite.types import Answer, Metric, Sample, Score, Status

if TYPE_CHECKING:
    from evalsuite.sandbox import Flavour, Isolation, Outcome, Sandbox

STATUS_OF: dict[str, Status] = {
    "pass": "right",
    "fail": "wrong",
    "timeout": "timeout",
    "crash": "wrong",
    "oom": "wrong",
    "compile_error": "syntax",
    "tampered": "wrong",
    "harness_error": "error",
}
DETAIL_CHARS = 500
_TOGETHER = 16
_TOGETHER_S = 0.05


class CodeEvaluator:
    """Base of evaluators that judge an answer by running it.

    A subclass says in `judge` what one answer is worth; it is called from as many threads as there are
    sandbox workers. `raw` takes the text as it stands, without extraction. `forms` are the kinds of text
    that the benchmark's own tools have put together already, as an answer's `extra` names them. So many
    samples as `ahead` says are at hand at once: one that runs into its time limit holds up nobody, and those
    that take longest can be begun first. `flavour` is that of the workers which most programs will want.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    ahead: ClassVar[int] = 100
    forms: ClassVar[tuple[str, ...]] = ()
    parts: ClassVar[dict[str, str]] = {}
    flavour: ClassVar[Flavour | None] = None

    def __init__(
        self,
        workers: Positive | None = None,
        k: Positive | Sequence[Positive] = (1,),
        min_isolation: Isolation = "strong",
        raw: bool = False,
        python: str | None = None,
    ) -> None:
        self.workers = workers or usable_cores()
        self.ks = (k,) if isinstance(k, int) else tuple(k)
        self.raw = raw
        self._min_isolation: Isolation = min_isolation
        self._python = python
        self._sandbox: Sandbox | None = None
        self._opening = threading.Lock()
        self._warming: threading.Thread | None = None

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox, started when the first program needs it."""
        with self._opening:
            if self._sandbox is None:
                self._sandbox = sandboxes.borrow(self.workers, self._min_isolation, self._python)
            return self._sandbox

    def warm(self, programs: int) -> None:
        """Begin to start the workers for so many programs, while the problems are still to be read."""
        if self._sandbox is None and self._warming is None:
            self._warming = threading.Thread(target=self._warm, args=(programs,), name="warm")
            self._warming.start()

    def _warm(self, programs: int) -> None:
        with contextlib.suppress(Exception):  # told when the first program needs it
            sandbox = self.sandbox
            if self.flavour is not None:
                sandbox.warm(self.flavour, programs)

    def obstacle(self, samples: Iterable[Sample]) -> None:
        """Raise the user's error that keeps this machine from judging some of the samples."""
        from evalsuite.sandbox import Sandbox

        Sandbox(workers=1, min_level=self._min_isolation, python=self._python).close()

    def ready(self, answer: Answer) -> bool:
        """Whether the text is taken as it stands."""
        return self.raw or answer.extra.get("form") in self.forms

    def heard(self, answer: Answer) -> Answer:
        """The answer without the model's thoughts and the tokens around its turn, unless it is ready-made."""
        text = answer.text if self.ready(answer) else said(answer.text)
        return answer if text == answer.text else replace(answer, text=text)

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """The verdict on one answer."""
        raise NotImplementedError(type(self).__name__)

    def weight(self, sample: Sample, answers: Sequence[Answer]) -> float:
        """How long one of the answers to this sample may take, as far as that is known beforehand."""
        return 0.0

    def score(self, items: Iterable[AnsweredSample]) -> Iterator[Score]:
        """Judge every answer, in the order given, several at a time."""
        pool = self.sandbox.threads("judge")
        waiting: deque[Future[Score]] = deque()
        unread = iter(items)
        try:
            while chunk := list(islice(unread, self.ahead)):
                weights = [self.weight(*each) for each in chunk]
                begun: dict[int, list[Future[Score]]] = {}
                for at in sorted(range(len(chunk)), key=lambda at: -weights[at]):
                    sample, answers = chunk[at]
                    begun[at] = [
                        pool.submit(self._judged, sample, answer, repeat)
                        for repeat, answer in enumerate(answers)
                    ]
                waiting.extend(future for at in range(len(chunk)) for future in begun[at])
                while waiting and (waiting[0].done() or len(waiting) > self.ahead + 4 * self.workers):
                    yield _first(waiting)
            while waiting:
                yield _first(waiting)
        finally:  # whoever stops early waits for what runs, not for what would
            pool.shutdown(cancel_futures=True)

    def _judged(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        try:
            return self.judge(sample, self.heard(answer), repeat)
        except UserError:
            raise
        except Exception as error:
            # One sample that cannot be judged must not take the others with it; it is counted and shown.
            return Score(sample.id, repeat, "error", detail=f"evaluator: {type(error).__name__}: {error}")

    def aggregate(self, scores: Iterable[Score]) -> dict[str, Metric]:
        """pass@k of the answers, and of the parts that this benchmark tells apart."""
        kept = list(scores)
        found = pass_metrics(kept, self.ks)
        for name, prefix in self.parts.items():
            views = [replace(each, correct=_part(each, name)) for each in kept]
            if any(name in each.metrics for each in kept):
                found.update({prefix + key: metric for key, metric in pass_metrics(views, self.ks).items()})
        return found

    def close(self) -> None:
        """Give the sandbox back."""
        if self._warming is not None:
            self._warming.join()
            self._warming = None
        with self._opening:
            if self._sandbox is not None:
                sandboxes.give_back(self._sandbox)
                self._sandbox = None


def _first(waiting: deque[Future[Score]]) -> Score:
    """The first result, once it is there. While results come fast, some more are let come behind it: to be
    woken for each one costs the threads that judge.
    """
    if not waiting[0].done():
        wait([waiting[min(_TOGETHER, len(waiting)) - 1]], _TOGETHER_S)
    return waiting.popleft().result()


def _part(score: Score, name: str) -> bool | None:
    return score.metrics[name] >= 1 if name in score.metrics else score.correct


def shown(value: Any, width: int = 120) -> str:
    """A value that a program returned, for people; it may be too large or too deep to be written."""
    try:
        text = repr(value)
    except (ValueError, RecursionError, MemoryError) as error:
        return f"a {type(value).__name__} that cannot be written ({error})"[:width]
    return text if len(text) <= width else f"{text[: width - 3]}..."


def extra_of(outcome: Outcome, **more: Any) -> dict[str, Any]:
    """What every verdict carries beside its status: how far it can be trusted and what it cost."""
    return {
        "isolation": outcome.isolation,
        "integrity": outcome.integrity,
        "cpu_s": round(outcome.cpu_s, 4),
        **more,
    }


def score_of(sample: Sample, repeat: int, outcome: Outcome, **more: Any) -> Score:
    """The score that a sandbox outcome stands for."""
    status = STATUS_OF[outcome.status]
    correct = None if status == "error" else status == "right"
    return Score(
        sample.id,
        repeat,
        status,
        correct,
        {},
        "" if correct else outcome.detail[:DETAIL_CHARS],
        extra_of(outcome, **more),
    )


def not_run(sample: Sample, repeat: int, status: Status, detail: str, metrics: Sequence[str] = ()) -> Score:
    """The score of an answer that never reached the sandbox: nothing in it could be run."""
    return Score(
        sample.id,
        repeat,
        status,
        False,
        dict.fromkeys(metrics, 0.0),
        detail,
        {"isolation": "none", "integrity": "split", "cpu_s": 0.0},
    )
