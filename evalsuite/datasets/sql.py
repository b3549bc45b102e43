"""Spider and BIRD: questions about a database, to be answered by one SQL query."""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from evalsuite.datasets.columns import check_columns, missing_column
from evalsuite.datasets.resolve import find_data
from evalsuite.datasets.sources import data_cache
from evalsuite.datasets.tables import Fields, JsonlDataset
from evalsuite.errors import NotHere, UserError


class _TextToSql(JsonlDataset):
    """Rows with a database each; its schema is read from the database itself.

    `databases` is the folder with DB/DB.sqlite (packed or not). Without all of them no row is given: a prompt
    would lack its schema, and its answer could not be graded.
    """

    file: ClassVar[str] = ""
    folder: ClassVar[str] = ""
    example_rows: ClassVar[int] = 0

    def __init__(
        self,
        path: str | None = None,
        databases: str | None = None,
        reader_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(str(find_data(self.file, path)), None, reader_cfg, "id")
        try:
            self._databases: Path | None = find_data(self.folder, databases)
        except UserError:
            if databases is not None:
                raise
            self._databases = None
        self._checked = False

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """The rows from a position on; ids are their places in the file."""
        self._check()
        for number, row in enumerate(super().rows(start), start):
            database = self.database(row["db_id"])
            schema = _schema(database, self.example_rows) if database else ""
            yield {
                **self.shape(row),
                "id": str(row.get("question_id", number)),
                "database": str(database or ""),
                "schema": schema,
            }

    def _check(self) -> None:
        """Every row's database is there; said before anything is asked of a model."""
        if self._checked:
            return
        names = sorted({str(row["db_id"]) for row in self._questions()})
        missing = [name for name in names if self._stored(name) is None]
        if missing:
            folder = self._databases or f"{self.folder} in {data_cache()} or $EVALSUITE_DATA"
            raise NotHere(
                f"{len(missing)} of {len(names)} databases are missing: {', '.join(missing[:5])}"
                f"{', ...' if len(missing) > 5 else ''}",
                where=str(folder),
                expected="DB/DB.sqlite or DB/DB.sqlite.gz for each there, or another folder as the dataset's "
                "`databases`",
            )
        self._checked = True

    def _questions(self) -> Iterator[Fields]:
        """The rows as they are stored, each with its database's name and its query."""
        for row in super().rows():
            check_columns(row, {"db_id": str}, str(self._path), f"the format of {self.file}")
            if not row.get("query") and "SQL" not in row:
                raise missing_column(row, "query", str(self._path), f"the format of {self.file}", "SQL")
            yield row

    def shape(self, row: Fields) -> Fields:
        """One name for the gold query."""
        return {**row, "gold": row.get("query") or row["SQL"], "evidence": row.get("evidence", "")}

    def database(self, name: str) -> Path | None:
        """The database of that name, unpacked into the cache when it is stored packed."""
        found = self._stored(name)
        return found if found is None or found.suffix != ".gz" else unpacked(found)

    def _stored(self, name: str) -> Path | None:
        """The database's file as it is stored."""
        if self._databases is None:
            return None
        files = (self._databases / name / f"{name}{suffix}" for suffix in (".sqlite", ".sqlite.gz"))
        return next((file for file in files if file.is_file()), None)


class Spider(_TextToSql):
    """Spider's development set (1034)."""

    file: ClassVar[str] = "spider/dev.json.gz"
    folder: ClassVar[str] = "spider/database"
    example_rows: ClassVar[int] = 3


class Bird(_TextToSql):
    """BIRD's mini development set (500)."""

    file: ClassVar[str] = "bird_minidev/mini_dev_sqlite.json.gz"
    folder: ClassVar[str] = "bird_minidev/dev_databases"


@lru_cache(maxsize=512)
def unpacked(packed: Path) -> Path:
    """A packed database as a plain file in the cache, by content."""
    data = gzip.decompress(packed.read_bytes())
    folder = data_cache() / "unpacked" / "databases"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{hashlib.sha256(data).hexdigest()[:16]}-{packed.name.removesuffix('.gz')}"
    if not target.is_file():
        # Several processes may unpack the same database at once: each into a file of its own.
        partial = folder / f"{target.name}.{uuid4().hex}.partial"
        try:
            partial.write_bytes(data)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    return target


@lru_cache(maxsize=512)
def _schema(database: Path, example_rows: int) -> str:
    """Every CREATE TABLE of a database, with a few rows of each when asked for."""
    pieces = []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        tables = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL"
        ).fetchall()
        for name, create in tables:
            pieces.append(f"{create};\n")
            if example_rows:
                cursor = connection.execute(f'SELECT * FROM "{name}" LIMIT {example_rows}')
                head = "\t".join(column[0] for column in cursor.description)
                rows = "\n".join("\t".join(map(str, row)) for row in cursor.fetchall())
                pieces.append(
                    f"/*\n{example_rows} example rows:\n"
                    f"SELECT * FROM {name} LIMIT {example_rows};\n{head}\n{rows}\n*/\n"
                )
    return "".join(pieces)
