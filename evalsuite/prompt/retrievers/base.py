"""What a retriever is, and what all of them know about the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Row = Mapping[str, Any]


class Retriever(Protocol):
    """Picks the examples of one question, by their places among the rows; the first is shown first."""

    def pick(self, index: int, fields: Row) -> Sequence[int]:
        """The examples for the sample at this position of the dataset."""


@dataclass(frozen=True)
class Shots:
    """What a retriever may look at: the rows to draw from, all questions, and which columns are a row's input.

    `rows` and `questions` are called when first needed, so that a zero-shot run never reads a training split.
    """

    rows: Callable[[], Sequence[Row]]
    questions: Callable[[], Iterable[Row]]
    input_columns: tuple[str, ...]
    ask: Callable[[Sequence[int], int, Row], Mapping[str, tuple[str, str]]] | None = None

    def text(self, row: Row) -> str:
        """A row's input columns as one text, for retrievers that compare texts."""
        return " ".join(str(row[column]) for column in self.input_columns if column in row)
