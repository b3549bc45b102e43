"""Rows from files: JSON lines, JSON lists, CSV, TSV, Parquet, gzip'd or not; and from the hub."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TextIO, cast

from evalsuite.errors import NotHere, UserError
from evalsuite.types import Sample

ID_COLUMNS = ("id", "task_id", "question_id", "idx")
MARK = 256
Fields = dict[str, Any]


class RowsDataset:
    """A dataset over rows that a subclass reads: it settles id, reference and few-shot rows.

    Rows without an id column are numbered. A repeated id gets a suffix, so that every sample has its own.
    """

    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, reader_cfg: Mapping[str, Any] | None = None, id_column: str | None = None) -> None:
        self._reader = dict(reader_cfg or {})
        self._id_column = id_column
        self._size: int | None = None
        self._repeated: bool | None = None

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """The test rows from a position on, read anew, in order."""
        raise NotImplementedError(type(self).__name__)

    def train_rows(self) -> Iterator[Fields]:
        """The rows that few-shot examples come from."""
        return iter(())

    def files(self) -> Sequence[str]:
        """The files that hold the rows."""
        return ()

    def __len__(self) -> int:
        if self._size is None:
            self._size = self._scan()
        return self._size

    def _scan(self) -> int:
        seen = _Marks()
        count = 0
        repeated = False
        for index, fields in enumerate(self.rows()):
            count += 1
            repeated = repeated or not seen.add(hash(self._id_of(index, fields)))
        self._repeated = repeated
        return count

    def samples(self, start: int = 0, stop: int | None = None) -> Iterator[Sample]:
        """The test samples of a half-open range of positions, in order."""
        if self._repeated is None and start == 0:
            yield from islice(self._first_read(), None if stop is None else max(0, stop))
            return
        if self._repeated is None:
            self._size = self._scan()
        times: Counter[str] | None = Counter() if self._repeated else None
        first = 0 if self._repeated else start
        count = None if stop is None else max(0, stop - first)
        for index, fields in enumerate(islice(self.rows(first), count), first):
            sample = self._sample(index, fields, times)
            if index >= start:
                yield sample

    def _first_read(self) -> Iterator[Sample]:
        """All samples, of rows that nobody has looked at yet: what a scan would find is found on the way."""
        seen = _Marks()
        times: Counter[str] | None = None
        count = 0
        for index, fields in enumerate(self.rows()):
            if times is None and not seen.add(hash(self._id_of(index, fields))):
                times = Counter(self._id_of(*row) for row in enumerate(islice(self.rows(), index)))
            count += 1
            yield self._sample(index, fields, times)
        self._size, self._repeated = count, times is not None

    def _sample(self, index: int, fields: Fields, times: Counter[str] | None) -> Sample:
        """One row as a sample; `times` says how often its id was there before, where ids are repeated."""
        name = self._id_of(index, fields)
        if times is not None:
            times[name] += 1
            name = name if times[name] == 1 else f"{name}#{times[name]}"
        return Sample(index, name, fields, self.reference_of(fields))

    def reference_of(self, fields: Fields) -> Any:
        """What answers to a row are judged against; None where the dataset has no reference."""
        return fields.get(self._reader.get("output_column") or "")

    def examples(self) -> Sequence[Mapping[str, Any]]:
        """The rows that few-shot examples may be drawn from."""
        return list(self.train_rows())

    def _id_of(self, index: int, fields: Fields) -> str:
        for column in (self._id_column,) if self._id_column else ID_COLUMNS:
            if column in fields:
                return str(fields[column])
        return str(index)


class _Marks:
    """A set of hashes, packed: a million take 16 MB, a quarter of what Python's own set does."""

    def __init__(self) -> None:
        self._table = array("q", bytes(8 << 10))
        self._count = 0

    def add(self, mark: int) -> bool:
        """Add a hash; False when it was there."""
        if 2 * self._count >= len(self._table):
            old = self._table
            self._table = array("q", bytes(16 * len(old)))
            for known in old:
                if known:
                    self._table[self._place(known)] = known
        mark = mark or 1  # zero stands for an empty place
        place = self._place(mark)
        if self._table[place]:
            return False
        self._table[place] = mark
        self._count += 1
        return True

    def _place(self, mark: int) -> int:
        table = self._table
        last = len(table) - 1
        place = mark & last
        while (known := table[place]) and known != mark:
            place = place + 1 & last
        return place


class FileDataset(RowsDataset):
    """Rows of one file; few-shot rows from a second one (`train_path`)."""

    def __init__(
        self,
        path: str,
        train_path: str | None = None,
        reader_cfg: Mapping[str, Any] | None = None,
        id_column: str | None = None,
    ) -> None:
        super().__init__(reader_cfg, id_column)
        self._path = Path(path)
        self._train = Path(train_path) if train_path else None
        for file in filter(None, (self._path, self._train)):
            with reading(file):
                if file.is_dir():
                    raise UserError("this is a folder", where=str(file), expected="a data file")
                if not file.is_file():
                    raise UserError("no such data file", where=str(file))

    def read(self, path: Path) -> Iterator[Fields]:
        """The rows of one file of this format."""
        raise NotImplementedError(type(self).__name__)

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """The test rows from a position on, read anew, in order."""
        return islice(self.read(self._path), start, None)

    def train_rows(self) -> Iterator[Fields]:
        """The rows of the few-shot file."""
        return self.read(self._train) if self._train else iter(())

    def files(self) -> Sequence[str]:
        """The test file, and the few-shot file when there is one."""
        return [str(path) for path in (self._path, self._train) if path]


class JsonlDataset(FileDataset):
    """One JSON object a line, or one JSON list of objects."""

    def __init__(
        self,
        path: str,
        train_path: str | None = None,
        reader_cfg: Mapping[str, Any] | None = None,
        id_column: str | None = None,
    ) -> None:
        super().__init__(path, train_path, reader_cfg, id_column)
        self._marks = [0]

    def read(self, path: Path) -> Iterator[Fields]:
        """The objects of the file."""
        return self._read(path, 0)

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """All test rows from a position on; rows before it are skipped without being parsed."""
        return self._read(self._path, start)

    def _read(self, path: Path, start: int) -> Iterator[Fields]:
        with reading(path):
            yield from self._objects_of(path, start)

    def _objects_of(self, path: Path, start: int) -> Iterator[Fields]:
        marks = self._marks if path == self._path else [0]
        with open_bytes(path) as file:
            if _starts_list(file):
                yield from islice(_objects(path, enumerate(_whole(path, file))), start, None)
                return
            # Every MARK rows the offset is kept, so that a slice in the middle is found by a seek.
            row = min(start // MARK, len(marks) - 1)
            offset = file.seek(marks[row])
            row *= MARK
            for line in file:
                if row == len(marks) * MARK:
                    marks.append(offset)
                offset += len(line)
                if not line.strip():
                    continue
                if row >= start:
                    yield _parsed(path, row, line)
                row += 1


class CsvDataset(FileDataset):
    """A table with a header line; tab-separated when the file says so by its name."""

    def read(self, path: Path) -> Iterator[Fields]:
        """The table's rows as texts by column."""
        with open_text(path) as file:
            for row in csv.DictReader(file, delimiter="\t" if ".tsv" in path.name else ","):
                yield dict(row)


class ParquetDataset(FileDataset):
    """A Parquet file, read in batches."""

    needs: ClassVar[tuple[str, ...]] = ("pyarrow",)

    def read(self, path: Path) -> Iterator[Fields]:
        """The table's rows."""
        from pyarrow import ArrowException, parquet

        try:
            with reading(path):
                for batch in parquet.ParquetFile(path).iter_batches(1024):
                    yield from batch.to_pylist()
        except ArrowException as error:
            raise UserError(f"this is no Parquet file: {error}", where=str(path)) from error


class HubDataset(RowsDataset):
    """A dataset of the hub (or a local folder in its layout), through the `datasets` package."""

    needs: ClassVar[tuple[str, ...]] = ("datasets",)

    def __init__(
        self,
        path: str,
        name: str | None = None,
        split: str = "test",
        train_split: str | None = None,
        revision: str | None = None,
        reader_cfg: Mapping[str, Any] | None = None,
        id_column: str | None = None,
    ) -> None:
        super().__init__(reader_cfg, id_column)
        self._source = (path, name, revision)
        self._split = split
        self._train_split = train_split
        self._loaded: dict[str, Any] = {}

    def _load(self, split: str) -> Any:
        if split not in self._loaded:
            from datasets import load_dataset

            path, name, revision = self._source
            try:
                self._loaded[split] = load_dataset(path, name, split=split, revision=revision)
            except OSError as error:  # no network, HF_HUB_OFFLINE, a gate
                raise NotHere(
                    f"the hub's dataset {path} cannot be had: {error}",
                    expected="a network, or a local copy's folder as `path`",
                ) from error
        return self._loaded[split]

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """The rows of the test split from a position on."""
        rows = self._load(self._split)
        return (dict(rows[index]) for index in range(start, len(rows)))

    def train_rows(self) -> Iterator[Fields]:
        """All rows of the few-shot split."""
        return iter(self._load(self._train_split)) if self._train_split else iter(())

    def files(self) -> Sequence[str]:
        """The local files that the hub's client keeps for this split."""
        return [entry["filename"] for entry in self._load(self._split).cache_files]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What keeps a file from being read (its permissions, its end that is missing) is told as the user's."""
    try:
        yield
    except (EOFError, OSError, zlib.error) as error:
        if isinstance(error, OSError) and error.strerror:
            where = str(error.filename or path)
            raise UserError(f"it cannot be read: {error.strerror}", where=where) from error
        raise UserError(f"the file cannot be read to its end: {error}", where=str(path)) from error


def open_bytes(path: Path) -> BinaryIO:
    """A file's bytes, unpacked on the way when it is gzip'd (by its content, not its name)."""
    file = path.open("rb")
    magic = file.read(2)
    file.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if magic == b"\x1f\x8b" else file


def open_text(path: Path) -> TextIO:
    """A file's text, unpacked on the way when it is gzip'd."""
    return io.TextIOWrapper(io.BufferedReader(cast(Any, open_bytes(path))), encoding="utf-8-sig", newline="")


def _starts_list(file: BinaryIO) -> bool:
    head = file.read(64).lstrip()
    file.seek(0)
    return head.startswith(b"[")


def _whole(path: Path, file: BinaryIO) -> list[Any]:
    try:
        return list(json.load(file))
    except (ValueError, RecursionError) as error:
        raise UserError(f"the list is no JSON: {error}", where=str(path)) from error


def _parsed(path: Path, row: int, line: bytes) -> Fields:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"row {row + 1} is no JSON: {error}", where=str(path)) from error
    if not isinstance(value, dict):
        raise UserError(f"row {row + 1} is no JSON object", where=str(path), expected="columns by name")
    return value


def _objects(path: Path, values: Iterable[tuple[int, Any]]) -> Iterator[Fields]:
    for number, value in values:
        if not isinstance(value, dict):
            raise UserError(
                f"row {number + 1} is no JSON object", where=str(path), expected="columns by name"
            )
        yield value
