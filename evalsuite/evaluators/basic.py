"""Evaluators that compare a text with a reference: equality after this or that normalisation."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

from evalsuite.evaluators.base import AnsweredSample
from evalsuite.stats import mean_metric
from evalsuite.types import Answer, Metric, Sample, Score

_ARTICLES = re.compile(r"\b(a|an|the)\b")


def per_sample(
    judge: Callable[[Sample, Answer, int], Score], items: Iterable[AnsweredSample]
) -> Iterator[Score]:
    """Lift a pure function over one answer to the stream that an evaluator is."""
    for sample, answers in items:
        for repeat, answer in enumerate(answers):
            try:
                yield judge(sample, answer, repeat)
            except Exception as error:
                # One sample that cannot be judged must not take the others with it; it is counted and shown.
                yield Score(sample.id, repeat, "error", detail=f"evaluator: {type(error).__name__}: {error}")


class RateEvaluator:
    """Base of evaluators whose headline is the share of right answers.

    A subclass says whether one answer is right; several numbers of one answer come in `Score.metrics`, and
    the mean of each becomes a metric. One that can say nothing of a sample without a reference sets
    `needs_reference`: then a dataset that has none is an error, where each answer would be called wrong.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    needs_reference: ClassVar[bool] = False
    headline: ClassVar[str] = "accuracy"

    def right(self, text: str, reference: Any) -> bool:
        """Whether an extracted text is a right answer."""
        raise NotImplementedError(type(self).__name__)

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """The verdict on one answer."""
        ok = self.right(answer.text, sample.reference)
        return Score(sample.id, repeat, "right" if ok else "wrong", ok)

    def score(self, items: Iterable[AnsweredSample]) -> Iterator[Score]:
        """Judge every answer."""
        return per_sample(self.judge, items)

    def aggregate(self, scores: Iterable[Score]) -> dict[str, Metric]:
        """The share of right answers, and the mean of whatever else was measured."""
        return mean_metric(scores, self.headline)


class AccEvaluator(RateEvaluator):
    """Right when the answer equals the reference as a text."""

    needs_reference: ClassVar[bool] = True

    def right(self, text: str, reference: Any) -> bool:
        """Equality of texts without blanks around them."""
        return text.strip() == str(reference).strip()


class EMEvaluator(RateEvaluator):
    """Right when the answer equals a reference after lower-casing and dropping articles and marks."""

    needs_reference: ClassVar[bool] = True
    headline: ClassVar[str] = "exact_match"

    def right(self, text: str, reference: Any) -> bool:
        """Equality with any reference after normalisation."""
        wanted: Sequence[Any] = reference if isinstance(reference, (list, tuple)) else [reference]
        return any(_normal(text) == _normal(str(one)) for one in wanted)


class ContainsEvaluator(RateEvaluator):
    """Right when a reference occurs in the answer."""

    needs_reference: ClassVar[bool] = True

    def right(self, text: str, reference: Any) -> bool:
        """Whether any reference is part of the text, both normalised."""
        wanted: Sequence[Any] = reference if isinstance(reference, (list, tuple)) else [reference]
        return any(_normal(str(one)) in _normal(text) for one in wanted)


def _normal(text: str) -> str:
    lowered = text.lower().translate(str.maketrans("", "", string.punctuation))
    return " ".join(_ARTICLES.sub(" ", lowered).split())
