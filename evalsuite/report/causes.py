"""Causes of failures, counted so that people can read them: many that differ by their numbers are one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_ALIKE = 4
"""So many causes that differ by numbers only are told apart (status codes); more are one with its range."""

WIDTH = 200
_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.]*\w)")


@dataclass
class _Alike:
    """Causes of one wording."""

    count: int = 0
    apart: Counter[str] | None = field(default_factory=Counter)
    least: list[int] = field(default_factory=list)
    most: list[int] = field(default_factory=list)

    def add(self, text: str, numbers: list[int]) -> None:
        self.least = [*map(min, self.least, numbers)] if self.count else numbers
        self.most = [*map(max, self.most, numbers)] if self.count else numbers
        self.count += 1
        if self.apart is not None:
            self.apart[text] += 1
            if len(self.apart) > MOST_ALIKE:
                self.apart = None

    def told(self, wording: str) -> Iterator[tuple[str, int]]:
        if self.apart is not None:
            yield from self.apart.items()
            return
        both = zip(self.least, self.most, strict=True)
        spans = (str(low) if low == high else f"{low} to {high}" for low, high in both)
        yield re.sub("\0", lambda _: next(spans), wording), self.count


class Causes:
    """Counts causes; what it holds grows with their wordings and not with their number."""

    def __init__(self) -> None:
        self._alike: dict[str, _Alike] = {}

    def add(self, cause: str) -> None:
        """Count one."""
        text = " ".join(cause.replace("\0", " ").split())[:WIDTH]
        numbers = [int(found) for found in _NUMBER.findall(text)]
        self._alike.setdefault(_NUMBER.sub("\0", text), _Alike()).add(text, numbers)

    def counts(self) -> dict[str, int]:
        """Every cause with its count, the most frequent first."""
        found: Counter[str] = Counter()
        for wording, alike in self._alike.items():
            for text, count in alike.told(wording):
                found[text] += count
        return dict(found.most_common())
