"""SQL that nobody trusts, on databases that nobody may change."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite.errors import UserError
from evalsuite.sandbox.outcome import CallResult, Outcome, Returned

# Runs inside: the database is mounted read-only and opened as immutable; one statement; attaching is refused.
SOURCE = """
import sqlite3

def query(path, statement, most, errors):
    link = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    link.text_factory = lambda raw: raw.decode("utf-8", errors)
    link.execute("PRAGMA query_only = 1")
    link.set_authorizer(lambda action, *_: action in (24, 25))  # ATTACH, DETACH: 1 is SQLITE_DENY
    cursor = link.execute(statement)
    rows = cursor.fetchmany(most + 1)
    return [[column[0] for column in cursor.description or ()], rows[:most], len(rows) > most]
"""


@dataclass(frozen=True)
class Rows:
    """What a query gave: its rows, or why there are none (then `outcome.status` is not `pass`)."""

    outcome: Outcome
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    complete: bool = False


def database_file(path: str | Path) -> Path:
    """The database as an absolute path, or an error that says it is not there."""
    found = Path(path).resolve()
    if not found.is_file():
        raise UserError(f"no database {str(path)!r}", expected="a SQLite file")
    if os.geteuid() == 0 and not (found.stat().st_mode & 0o4 and found.parent.stat().st_mode & 0o1):
        raise UserError(
            f"the database {str(path)!r} is readable for root only", expected="mode 644, in a folder of 755"
        )
    return found


def read(results: tuple[CallResult, ...], outcome: Outcome) -> Rows:
    """The answer of the query function as rows."""
    result = results[-1] if results else None
    if outcome.status == "pass" and isinstance(result, Returned):
        columns, rows, more = result.value
        return Rows(outcome, tuple(columns), tuple(tuple(row) for row in rows), not more)
    return Rows(outcome)
