"""Many values that are seldom all looked at: kept as one piece of bytes, each made when it is asked for.

What a reference returns can take hundreds of megabytes, and most wrong answers are told by the first few
values.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any
from zlib import crc32

_LENGTH_BYTES = 8


class Values:
    """Values in an order; what makes each of them is called whenever it is asked for."""

    def __init__(self, make: Callable[[int], Any], places: Sequence[int]) -> None:
        self._make = make
        self._places = places

    @classmethod
    def of(cls, values: Sequence[Any]) -> Values:
        """Values that are at hand."""
        return cls(values.__getitem__, range(len(values)))

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, at: int) -> Any:
        return self._make(self._places[at])

    def __iter__(self) -> Iterator[Any]:
        return map(self._make, self._places)

    def some(self, chosen: Iterable[int]) -> Values:
        """Those at some positions."""
        return Values(self._make, [self._places[at] for at in chosen])


def packed(values: Iterable[Any], *more: Any) -> bytes:
    """Values, and what belongs to them as a whole; ValueError for what is no plain data (a deque)."""
    parts = [marshal.dumps(value) for value in values]
    body = b"".join(parts)
    head = marshal.dumps((tuple(map(len, parts)), crc32(body), *more))
    return b"".join([len(head).to_bytes(_LENGTH_BYTES, "little"), head, body])


def unpacked(data: bytes) -> tuple[Any, ...]:
    """The values, unread, and what was packed with them; ValueError where they are not whole."""
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    lengths, check, *more = marshal.loads(data[_LENGTH_BYTES:start])
    edges = tuple(accumulate(lengths, initial=start))
    whole = memoryview(data)
    if edges[-1] != len(data) or crc32(whole[start:]) != check:
        raise ValueError("damaged")
    return (Values(lambda at: marshal.loads(whole[edges[at] : edges[at + 1]]), range(len(lengths))), *more)
