"""DS-1000: data-science questions with tests that run the answer in a given context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar

from evalsuite.datasets.benchmark import BenchmarkDataset
from evalsuite.datasets.columns import Columns
from evalsuite.datasets.tables import Fields, JsonlDataset


class DS1000(BenchmarkDataset):
    """A thousand problems over seven libraries; `library` keeps one of them."""

    file: ClassVar[str] = "ds1000/ds1000.jsonl.gz"
    id_field: ClassVar[str] = "problem_id"
    columns: ClassVar[Columns] = {"prompt": str, "code_context": str, "metadata": dict}

    def __init__(
        self,
        path: str | None = None,
        library: str | None = None,
        reader_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(path, reader_cfg)
        self._library = library

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """The problems of the library from a position on."""
        rows = (self.shaped(row) for row in JsonlDataset.rows(self))
        wanted = (row for row in rows if self._library in (None, row["library"]))
        return islice(wanted, start, None)

    def shape(self, fields: Fields) -> Fields:
        """The metadata's own columns beside the others."""
        metadata = fields["metadata"]
        return {**fields, "problem_id": str(metadata["problem_id"]), "library": metadata["library"]}
