"""Rows on disk: appended whole, never shared between attempts, a torn last line ignored."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from evalsuite.errors import UserError

Row = dict[str, Any]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class RowWriter:
    """Appends rows to a file that no other attempt writes; each row reaches the system in one write.

    A row that could not be written whole (disk full, quota) is taken back, so that the file ends with a whole
    line, and the user is told; what was written before stays valid.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._descriptor: int | None = None
        self._size = 0

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row; it survives the death of this process from here on."""
        self.append_line(_encode(row))

    def append_line(self, line: str) -> None:
        """Add one row that is JSON text already."""
        if self._descriptor is None:
            self._descriptor = self._open()
        data = line.encode("utf-8", "surrogatepass") + b"\n"
        try:
            written = os.write(self._descriptor, data)
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            raise UserError(f"cannot write a row: {error.strerror}", where=str(self.path)) from error
        self._size += len(data)
        self.count += 1

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        try:
            try:
                return os.open(self.path, flags, 0o644)
            except FileNotFoundError:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                return os.open(self.path, flags, 0o644)
        except OSError as error:
            raise UserError(f"cannot create the file: {error.strerror}", where=str(self.path)) from error

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._size

    def close(self) -> None:
        """Put the rows on the disk itself, where a power cut does not reach them."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a file; a torn last line is left out."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file. A line that is no JSON object (torn by a power cut) counts as not there."""
    for line in read_lines(path):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row
