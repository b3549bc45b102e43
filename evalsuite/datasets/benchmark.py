"""Base of the benchmark loaders: a file found by its name, whose rows get a few derived columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from evalsuite.datasets.columns import Columns, check_columns, missing_column, row_name
from evalsuite.datasets.resolve import find_data
from evalsuite.datasets.tables import Fields, JsonlDataset, open_bytes, reading
from evalsuite.errors import UserError


class BenchmarkDataset(JsonlDataset):
    """Rows of one benchmark file. `file` is its name in the data folders, `path` a file to take instead.

    `columns` are those that every row has to have, with their types.
    """

    file: ClassVar[str] = ""
    columns: ClassVar[Columns] = {}
    id_field: ClassVar[str] = "task_id"

    def __init__(self, path: str | None = None, reader_cfg: Mapping[str, Any] | None = None) -> None:
        super().__init__(str(find_data(self.file, path)), None, reader_cfg, self.id_field)

    def shape(self, fields: Fields) -> Fields:
        """One row with the columns that prompts and evaluators want beside its own."""
        return fields

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """The rows from a position on."""
        return (self.shaped(fields) for fields in super().rows(start))

    def shaped(self, fields: Fields) -> Fields:
        """One row in shape; a column that the benchmark's rows have and this one lacks is named."""
        where, expected = str(self._path), f"the format of {self.file or type(self).__name__}"
        check_columns(fields, self.columns, where, expected)
        try:
            return self.shape(fields)
        except KeyError as error:
            raise missing_column(fields, str(error.args[0]), where, expected) from error
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            reason = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
            raise UserError(
                f"{row_name(fields)} cannot be read: {reason}",
                where=where,
                expected=expected,
            ) from error


class KeyedJson:
    """Rows of a JSON file that is one object keyed by id."""

    @staticmethod
    def is_keyed(path: Path) -> bool:
        """Whether the file is one object whose values are objects (JSON lines are not)."""
        with reading(path), open_bytes(path) as file:
            line = file.readline().strip()
            if not line.startswith(b"{"):
                return False
            rest = file.read(1)
        try:
            first = json.loads(line)
        except ValueError:
            return True
        return not rest and all(isinstance(value, dict) for value in first.values())

    @staticmethod
    def read(path: Path, start: int) -> Iterator[Fields]:
        """The values from a position on."""
        with reading(path), open_bytes(path) as file:
            return islice(iter(json.load(file).values()), start, None)
