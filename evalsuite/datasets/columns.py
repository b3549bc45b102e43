"""The columns that a benchmark's rows must have: a file of another benchmark is told, not graded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalsuite.errors import UserError

Columns = Mapping[str, type | tuple[type, ...]]
ID_NAMES = ("task_id", "question_id", "problem_id", "id", "name")
NUMBER = (int, float)
_WORDS: Mapping[type, str] = {
    str: "a text",
    list: "a list",
    dict: "an object",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def check_columns(fields: Mapping[str, Any], columns: Columns, where: str, expected: str = "") -> None:
    """Raise the user's error for a row that lacks a column, or has one of another type."""
    for column, kind in columns.items():
        if column not in fields:
            raise missing_column(fields, column, where, expected)
        value = fields[column]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            wanted = " or ".join(dict.fromkeys(_WORDS.get(each, each.__name__) for each in kinds))
            found = _WORDS.get(type(value), type(value).__name__)
            raise UserError(
                f"the column {column!r} of {row_name(fields)} is {found}", where=where, expected=wanted
            )


def missing_column(
    fields: Mapping[str, Any], column: str, where: str, expected: str = "", instead: str = ""
) -> UserError:
    """The error for a row without a column (nor the one that may stand `instead` of it)."""
    name = row_name(fields)
    named = "" if name == "a row" else f" ({name})"
    other = f" or {instead!r}" if instead else ""
    return UserError(
        f"a row has no column {column!r}{other}{named}; it has {', '.join(map(str, fields)) or 'none'}",
        where=where,
        expected=expected,
    )


def row_name(fields: Mapping[str, Any]) -> str:
    """What a row is called in a message: its id, where it has one."""
    found = next((fields[name] for name in ID_NAMES if isinstance(fields.get(name), (str, int))), None)
    return "a row" if found is None else f"{found!s:.80}"
