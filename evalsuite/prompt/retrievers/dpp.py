"""DPP: near rows that differ from each other, by a determinantal point process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalsuite.prompt.retrievers.base import Row, Shots
from evalsuite.prompt.retrievers.embed import unit
from evalsuite.prompt.retrievers.topk import TopkRetriever


class DPPRetriever(TopkRetriever):
    """Of the `candidate_num` nearest rows those that together are near and unlike, the nearest first.

    A small `scale_factor` favours nearness, a large one difference.
    """

    def __init__(
        self, shots: Shots, candidate_num: int = 1, scale_factor: float = 0.1, **embedding: Any
    ) -> None:
        super().__init__(shots, **embedding)
        self._candidates = max(candidate_num, self.shown)
        self._scale = scale_factor

    def pick(self, index: int, fields: Row) -> Sequence[int]:
        import numpy

        vector = self.vector(fields)
        near = self.near(fields, self._candidates)
        rows = unit(self.rows[near])
        nearness = (rows @ unit(numpy.asarray(vector)[None])[0] + 1) / 2
        nearness = numpy.exp((nearness - nearness.max()) / (2 * self._scale))
        likeness = (rows @ rows.T + 1) / 2
        chosen = most_spread(nearness[None] * likeness * nearness[:, None], self.shown)
        return [near[at] for at in sorted(chosen, key=lambda at: (-nearness[at], at))]


def most_spread(kernel: Any, wanted: int) -> list[int]:
    """A greedy choice of rows whose kernel has a large determinant (an incremental Cholesky factor).

    Once nothing new can be gained (the rest repeats what is chosen), the rest is taken as it comes.
    """
    import numpy

    size = len(kernel)
    gain = numpy.diag(kernel).astype("float64").copy()
    factor = numpy.zeros((wanted, size))
    chosen: list[int] = []
    while len(chosen) < min(wanted, size):
        gain[chosen] = -numpy.inf
        best = int(gain.argmax())
        if gain[best] > 1e-10:
            done = len(chosen)
            row = (kernel[best] - factor[:done, best] @ factor[:done]) / numpy.sqrt(gain[best])
            factor[done] = row
            gain = gain - row**2
        chosen.append(best)
    return chosen
