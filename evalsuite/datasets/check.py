"""What a dataset dict says of its rows, against the rows: a slip here would make every answer wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from evalsuite.datasets.slices import positions
from evalsuite.errors import NotHere, UserError, nearest_name

COLUMN_KEYS = ("input_columns", "output_column")


def check_columns(
    config: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], referenced: bool, where: str
) -> list[UserError]:
    """The names in a `reader_cfg` that no row has as a column; rows are read until all have been seen.

    Rows that are `referenced` have got their references from the class itself, whatever it calls them.
    """
    reader = config.get("reader_cfg") or {}
    named = [
        (key, name)
        for key in (COLUMN_KEYS[:1] if referenced else COLUMN_KEYS)
        for name in _names(reader.get(key))
    ]
    missing = {name for _, name in named}
    columns: set[str] = set()
    for row in rows if missing else ():
        columns.update(row)
        missing.difference_update(row)
        if not missing:
            return []
    return [
        UserError(
            f"the rows of {config['abbr']!r} have no column {name!r}",
            where=f"{where}.reader_cfg.{key}",
            expected=f"one of {', '.join(sorted(columns))}",
            nearest=nearest_name(name, columns),
        )
        for key, name in named
        if name in missing
    ]


def check_references(
    config: Mapping[str, Any], references: Iterable[Any], columns: Collection[str], where: str
) -> list[UserError]:
    """An evaluator that compares answers with references, and rows of which none has one."""
    if any(reference is not None for reference in references):
        return []
    column = (config.get("reader_cfg") or {}).get("output_column")
    why = f"the column {column!r} is empty in all of them" if column else "no output_column is named"
    return [
        UserError(
            f"the rows of {config['abbr']!r} have no reference to compare answers with: {why}",
            where=f"{where}.reader_cfg.output_column",
            expected=f"one of {', '.join(sorted(columns))}, or an evaluator that needs no reference",
        )
    ]


def check_selection(
    config: Mapping[str, Any], first: int, count: Callable[[], int], where: str
) -> list[UserError]:
    """A `test_range` that is none, or that leaves nothing to ask.

    `first` are the rows that have been seen; all of them are counted only if the range has none of those.
    """
    key, wanted = selection_of(config)
    place = f"{where}.{key}"
    try:
        if positions(first, wanted, where=place):
            return []
        size = count()
        return [] if positions(size, wanted, where=place) else [nothing_left(config, size, where)]
    except NotHere:
        return []
    except UserError as error:
        return [error]


def nothing_left(config: Mapping[str, Any], size: int, where: str) -> UserError:
    """The error of a dataset that has no sample to ask."""
    key, wanted = selection_of(config)
    if not size or wanted is None:
        return UserError(f"{config['abbr']!r} has no rows", where=where, expected="one row or more")
    return UserError(
        f"{wanted!r} leaves none of the {size} rows of {config['abbr']!r}",
        where=f"{where}.{key}",
        expected=f"a range within [0:{size}]",
    )


def selection_of(config: Mapping[str, Any]) -> tuple[str, Any]:
    """The key path of the range that is in force, and the range."""
    if "test_range" in config:
        return "test_range", config["test_range"]
    return "reader_cfg.test_range", (config.get("reader_cfg") or {}).get("test_range")


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
