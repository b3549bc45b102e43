"""Which of a dataset's rows are asked: OpenCompass's `test_range`, and the view that it gives."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from evalsuite.datasets.base import Dataset
from evalsuite.errors import UserError
from evalsuite.types import Sample

_PIECE = re.compile(r"\[\s*(-?\d*)\s*(:?)\s*(-?\d*)\s*(?:(:)\s*(-?\d*)\s*)?\]")
Range = str | int | float


def positions(size: int, wanted: Range | None, *, where: str = "test_range") -> Sequence[int]:
    """The row positions that a range means: "[a:b]" pieces one after another, a number of rows, or a share.

    Like in OpenCompass a number draws that many rows by a generator seeded with the number itself.
    """
    if wanted is None or wanted == "":
        return range(size)
    if isinstance(wanted, bool) or not isinstance(wanted, (str, int, float)):
        raise UserError(f"{wanted!r} is no range", where=where, expected="'[0:100]', a row count or a share")
    if isinstance(wanted, str):
        return _sliced(range(size), wanted, where)
    count = round(size * wanted) if isinstance(wanted, float) and wanted < 1 else int(wanted)
    if count < 0:
        raise UserError(f"{wanted!r} rows cannot be taken", where=where, expected="0 or more")
    return random.Random(wanted).sample(range(size), min(count, size))


def _sliced(rows: Sequence[int], text: str, where: str) -> Sequence[int]:
    place = 0
    stripped = text.strip()
    while place < len(stripped):
        match = _PIECE.match(stripped, place)
        if not match or not (match[2] or match[1]):
            raise UserError(f"{text!r} is no range", where=where, expected="like '[0:100]' or '[0:100][::2]'")
        numbers = [int(n) if n else None for n in (match[1], match[3], match[5])]
        if match[2]:
            if numbers[2] == 0:
                raise UserError(f"{text!r} has a step of 0", where=where)
            rows = rows[numbers[0] : numbers[1] : numbers[2]]
        else:
            rows = (
                [rows[numbers[0]]] if numbers[0] is not None and -len(rows) <= numbers[0] < len(rows) else []
            )
        place = match.end()
    return rows


class SlicedDataset:
    """Some rows of another dataset, in a given order, numbered anew from 0."""

    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, inner: Dataset, rows: Sequence[int]) -> None:
        self._inner = inner
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def samples(self, start: int = 0, stop: int | None = None) -> Iterator[Sample]:
        """The chosen samples of a half-open range of positions."""
        rows = self._rows[start:stop]
        if isinstance(rows, range) and rows.step == 1:
            for index, sample in enumerate(self._inner.samples(rows.start, rows.stop), start):
                yield Sample(index, sample.id, sample.fields, sample.reference)
            return
        # Rows in any order: one pass over the span that holds them, keeping only those that are wanted.
        wanted = set(rows)
        found = {}
        if wanted:
            first = min(wanted)
            for position, sample in enumerate(self._inner.samples(first, max(wanted) + 1), first):
                if position in wanted:
                    found[position] = sample
        for index, row in enumerate(rows, start):
            sample = found[row]
            yield Sample(index, sample.id, sample.fields, sample.reference)

    def examples(self) -> Sequence[Mapping[str, Any]]:
        """The inner dataset's few-shot rows."""
        return self._inner.examples()

    def files(self) -> Sequence[str]:
        """The inner dataset's files."""
        return self._inner.files()
