"""Vote-k: one set of rows for all questions, each standing for many others and for other ones."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from evalsuite.prompt.retrievers.base import Row, Shots
from evalsuite.prompt.retrievers.embed import unit
from evalsuite.prompt.retrievers.topk import TopkRetriever


class VotekRetriever(TopkRetriever):
    """The rows that most others have among their `votek_k` nearest, less those that repeat earlier votes.

    Where too few are left, the rest is drawn at random with `seed`.
    """

    def __init__(self, shots: Shots, votek_k: int = 3, seed: int = 43, **embedding: Any) -> None:
        super().__init__(shots, **embedding)
        likeness = unit(self.rows) @ unit(self.rows).T
        voters: dict[int, set[int]] = {}
        for at in range(self.count):
            ranked = sorted(range(self.count), key=lambda other, at=at: (-likeness[at, other], other))  # type: ignore[misc]
            for chosen in [other for other in ranked if other != at][:votek_k]:
                voters.setdefault(chosen, set()).add(at)
        self._chosen = choose(voters, self.shown, self.count, seed)

    def pick(self, index: int, fields: Row) -> Sequence[int]:
        return self._chosen


def choose(voters: dict[int, set[int]], wanted: int, count: int, seed: int) -> list[int]:
    """The most voted rows, less those whose voters all stand behind a row with more votes already."""
    ranked = sorted(voters, key=lambda at: (-len(voters[at]), at))
    chosen: list[int] = []
    for place, at in enumerate(ranked):
        if len(chosen) == wanted:
            return chosen
        if not any(voters[at] <= voters[before] for before in ranked[:place]):
            chosen.append(at)
    if len(chosen) < wanted:
        left = [at for at in range(count) if at not in chosen]
        chosen += Random(seed).sample(left, wanted - len(chosen))
    return chosen
