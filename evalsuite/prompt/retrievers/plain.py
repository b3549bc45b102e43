"""Retrievers that need no look at the words: none, fixed, random, sliding."""

from __future__ import annotations

from collections.abc import Sequence

from evalsuite.errors import UserError
from evalsuite.prompt.retrievers.base import Row, Shots, check_enough


class ZeroRetriever:
    """No examples."""

    def __init__(self, shots: Shots) -> None:
        del shots

    def pick(self, index: int, fields: Row) -> Sequence[int]:
        return ()


class FixKRetriever:
    """The same examples for every question, by their ids."""

    def __init__(self, shots: Shots, fix_id_list: Sequence[int]) -> None:
        self._ids = tuple(fix_id_list)
        count = len(shots.rows()) if self._ids else 0
        for number in self._ids:
            if not 0 <= number < count:
                raise UserError(
                    f"there is no example {number}",
                    where="infer_cfg.retriever.fix_id_list",
                    expected=f"ids from 0 to {count - 1}",
                )

    def pick(self, index: int, fields: Row) -> Sequence[int]:
        return self._ids


class RandomRetriever:
    """Other random examples for every question; draw for draw those of numpy's classic generator.

    The draws follow the order of the dataset, so that a slice of it sees the same examples as a whole run.
    """

    def __init__(self, shots: Shots, ice_num: int = 1, seed: int = 43) -> None:
        try:
            from numpy.random import RandomState
        except ImportError as missing:
            raise UserError(
                "RandomRetriever draws with numpy, which is not installed",
                where="infer_cfg.retriever",
                expected="pip install numpy",
            ) from missing
        self._count = len(shots.rows())
        check_enough(ice_num, self._count)
        self._shown = ice_num
        self._generator = RandomState(seed)
        self._drawn: list[tuple[int, ...]] = []

    def pick(self, index: int, fields: Row) -> Sequence[int]:
        while len(self._drawn) <= index:
            draw = self._generator.choice(self._count, self._shown, replace=False)
            self._drawn.append(tuple(draw.tolist()))
        return self._drawn[index]


class SlidingWindowRetriever:
    """The k rows before the question's own position; the first questions are filled up from the last rows."""

    def __init__(self, shots: Shots, k: int, ice_num: int = 1) -> None:
        del ice_num
        self._count = len(shots.rows())
        check_enough(k, self._count)
        self._k = k

    def pick(self, index: int, fields: Row) -> Sequence[int]:
        start = index - self._k
        if start >= 0:
            if index > self._count:
                raise UserError(
                    f"question {index} looks back on row {index - 1}, but there are {self._count} rows",
                    where="infer_cfg.retriever",
                    expected="examples from the dataset's own split",
                )
            return range(start, index)
        return [*range(self._count + start, self._count), *range(index)]
