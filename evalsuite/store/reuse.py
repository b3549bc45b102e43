"""Old answers, found by request key: of earlier runs, and of this one before its config or data changed."""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalsuite.store.answers import failed
from evalsuite.store.entries import listed
from evalsuite.store.files import read_json
from evalsuite.store.folder import RunFolder
from evalsuite.store.rows import Row, read_lines

KEY_AT = len('{"key":"')
KEY_END = KEY_AT + 32
KEY_BITS = 40
FILE_BITS = 24
_SHARD = re.compile(r"(\d+)-(\d+)-[0-9a-f]+$")


@dataclass(frozen=True)
class _File:
    start: int
    stop: int
    run: RunFolder
    path: Path


class OldAnswers:
    """The answers that there were to a model's requests of one dataset when this look was taken.

    The folders are listed once, and the row files are read whole at most once, into an index of eight bytes
    for each row: what a task costs does not grow with what all others wrote.
    """

    def __init__(
        self,
        here: RunFolder,
        others: Sequence[RunFolder],
        model: str,
        dataset: str,
        ours: Collection[str] = (),
    ) -> None:
        """`ours` are the shards of tasks that are at work `here` now: each finds its own rows by itself."""
        self._files = [
            file
            for run in (here, *others)
            for file in _row_files(run, run.predictions(model, dataset), ours if run is here else ())
        ]
        self._order = sorted(range(len(self._files)), key=lambda at: self._files[at].start)
        self._starts = [self._files[at].start for at in self._order]
        self._longest = max((file.stop - file.start for file in self._files), default=0)
        self._index: array[int] | None = None

    def __bool__(self) -> bool:
        return bool(self._files)

    def find(self, span: tuple[int, int], wanted: Collection[str]) -> Iterator[tuple[RunFolder, Row]]:
        """Old answers to these keys, the first run's first; each key at most once, failures never.

        Files of the same stretch of the dataset are looked at first; only what is missing then (rows were
        inserted, slices moved) is looked up in the index. Lines are compared by their key without parsing.
        """
        missing = {key.encode() for key in wanted}
        near = self._overlapping(span)
        yield from self._search(near, missing)
        if missing and len(near) < len(self._files):
            yield from self._search(sorted(self._places(missing)), missing)

    def _overlapping(self, span: tuple[int, int]) -> list[int]:
        first = bisect_left(self._starts, span[0] - self._longest)
        last = bisect_left(self._starts, span[1])
        return sorted(at for at in self._order[first:last] if self._files[at].stop > span[0])

    def _search(self, files: Sequence[int], missing: set[bytes]) -> Iterator[tuple[RunFolder, Row]]:
        for at in files:
            if not missing:
                return
            file = self._files[at]
            for line in read_lines(file.path):
                key = line[KEY_AT:KEY_END]
                if key in missing and (row := _parsed(line)) is not None and not failed(row):
                    missing.discard(key)
                    yield file.run, row

    def _places(self, missing: set[bytes]) -> set[int]:
        """The files that may hold these keys."""
        if self._index is None:
            self._index = self._read_index()
        found: set[int] = set()
        for key in missing:
            mark = _mark(key)
            if mark is None:
                continue
            at = bisect_left(self._index, mark << FILE_BITS)
            while at < len(self._index) and self._index[at] >> FILE_BITS == mark:
                found.add(self._index[at] & ((1 << FILE_BITS) - 1))
                at += 1
        return found

    def _read_index(self) -> array[int]:
        """For each row the head of its key and the number of its file, sorted."""
        rows = array("Q")
        for number, file in enumerate(self._files):
            for line in read_lines(file.path):
                mark = _mark(line[KEY_AT:KEY_END])
                if mark is not None:
                    rows.append(mark << FILE_BITS | number)
        return array("Q", sorted(rows))


def runs_with(identity: str, model: str, runs: Sequence[RunFolder]) -> list[RunFolder]:
    """The runs that asked this very model: answers of another one, even under its name, have other keys."""
    found = []
    for run in runs:
        entry = read_json(run.manifest_file, {}).get("models", {}).get(model)
        if entry is None or entry.get("identity") in (None, identity):
            found.append(run)
    return found


def _row_files(run: RunFolder, folder: Path, ours: Collection[str]) -> Iterator[_File]:
    for name in sorted(listed(str(folder))):
        shard = name.partition(".")[0]
        match = _SHARD.match(shard)
        if match and name.endswith(".jsonl") and shard not in ours:
            yield _File(int(match[1]), int(match[2]), run, folder / name)


def _mark(key: bytes) -> int | None:
    try:
        return int(key[: KEY_BITS // 4], 16)
    except ValueError:
        return None


def _parsed(line: bytes) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
