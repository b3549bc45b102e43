"""What a retriever is, and what all of them know about the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from evalsuite.errors import UserError

Row = Mapping[str, Any]


class Retriever(Protocol):
    """Picks the examples of one question, by their places among the rows; the first is shown first."""

    def pick(self, index: int, fields: Row) -> Sequence[int]:
        """The examples for the sample at this position of the dataset."""


@dataclass(frozen=True)
class Shots:
    """What a retriever may look at: the rows to draw from, and which columns are a row's input.

    `rows` is called when first needed, so that a zero-shot run never reads a training split. `label_texts`
    writes the question behind some examples once per label: the text up to the question, and the whole.
    """

    rows: Callable[[], Sequence[Row]]
    input_columns: tuple[str, ...]
    label_texts: Callable[[Sequence[int], Row], Sequence[tuple[str, str]]] | None = None

    def text(self, row: Row) -> str:
        """A row's input columns as one text, for retrievers that compare texts."""
        return " ".join(str(row[column]) for column in self.input_columns if column in row)


def check_enough(wanted: int, count: int) -> None:
    """Refuse to draw more examples than there are."""
    if wanted > count:
        raise UserError(
            f"{wanted} examples are wanted, there are {count}",
            where="infer_cfg.retriever",
            expected=f"at most {count}",
        )
