"""What a dataset is: rows that can be counted, sliced and fingerprinted without loading a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from evalsuite.types import Sample


class Dataset(Protocol):
    """A benchmark's rows. Building one is cheap; rows are read when asked for.

    Constructor keywords are the keys of the dataset dict besides the orchestrator's own (abbr, type,
    infer_cfg, eval_cfg, n, k, ...); `reader_cfg` is passed to those that ask for it.
    """

    needs: ClassVar[tuple[str, ...]]

    def __len__(self) -> int:
        """How many test samples there are."""

    def samples(self, start: int = 0, stop: int | None = None) -> Iterator[Sample]:
        """The test samples of a half-open range of positions, in order."""

    def examples(self) -> Sequence[Mapping[str, Any]]:
        """The rows that few-shot examples may be drawn from."""

    def files(self) -> Sequence[str]:
        """The files whose content decides the samples; their hashes identify the data."""
