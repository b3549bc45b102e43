"""What an evaluator is: a stream of answered samples in, verdicts out; numbers only at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Protocol

from evalsuite.types import Answer, Metric, Sample, Score

AnsweredSample = tuple[Sample, Sequence[Answer]]


class Evaluator(Protocol):
    """Turns answers into scores, and scores into metrics.

    `score` yields one Score for each answer (so n for a sample with n repeats) and is a stream, so that
    sandbox workers or a judge stay full; any order. `Score.repeat` is the answer's position in the given
    sequence. It never raises for one sample: a sample it cannot judge gets a Score with status "error".
    Answers that carry a failure, and those from which the post-processor extracted nothing, do not reach
    it. `aggregate` sees the scores of the whole dataset once, as a stream, failed answers among them
    (status "error", correct None). `needs` names packages that must be installed; constructor keywords are
    the keys of the config dict.
    """

    needs: ClassVar[tuple[str, ...]]

    def score(self, items: Iterable[AnsweredSample]) -> Iterator[Score]:
        """Judge the answers of each sample."""

    def aggregate(self, scores: Iterable[Score]) -> dict[str, Metric]:
        """The dataset's metrics; the first is the headline."""
