"""Names in a summarizer that nothing in a run has: it is made for larger runs, or one of them is a slip."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalsuite.errors import UserError
from evalsuite.summarizers.groups import member_of

HEADINGS = ("-", "#", "=")
MOST = 8
CLOSE = 0.8


def is_heading(name: str) -> bool:
    """Whether an entry of `dataset_abbrs` is a line of its own in the table."""
    return not name or name.startswith(HEADINGS)


def absent_names(config: Mapping[str, Any], datasets: Sequence[str]) -> list[UserError]:
    """The names of a sound summarizer that are no dataset or group of a run.

    A slip is told by itself, with the name that was meant, and the others together. Published columns are
    longer than most runs, so of those only slips are told; and no group of which nothing is in the run.
    """
    groups = [group["name"] for group in config.get("summary_groups") or ()]
    known = list(dict.fromkeys((*datasets, *groups)))
    lists = dict(_lists(config))
    uses = Counter(name for names in lists.values() for name in set(names))
    told: list[UserError] = []
    for where, names in lists.items():
        absent = [name for name in names if name not in known]
        free = [name for name in known if name not in names]
        slips = {name: near for name in absent if uses[name] == 1 and (near := _meant(name, free))}
        told += [
            UserError(f"{name!r} is not in this run", where=where, nearest=near)
            for name, near in slips.items()
        ]
        others = [name for name in absent if name not in slips]
        larger = where.endswith(".values") or (where.endswith(".subsets") and len(absent) == len(names))
        if others and not larger:
            told.append(UserError(f"not in this run: {some(others)}", where=where))
    return told


def _meant(name: str, free: Sequence[str]) -> str:
    """The name, not in the same list, that a slip made this one of; a variant's name (`x_java`) is none."""
    variants = [one for one in free if name.startswith(f"{one}_") or one.startswith(f"{name}_")]
    close = difflib.get_close_matches(name, [one for one in free if one not in variants], 1, CLOSE)
    return close[0] if close else ""


def _lists(config: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    rows = [member_of(entry)[0] for entry in config.get("dataset_abbrs") or ()]
    yield "summarizer.dataset_abbrs", [name for name in rows if not is_heading(name)]
    for i, group in enumerate(config.get("summary_groups") or ()):
        members = [member_of(subset)[0] for subset in group["subsets"]]
        yield f"summarizer.summary_groups[{i}].subsets", members
    for i, column in enumerate(config.get("reference_columns") or ()):
        yield f"summarizer.reference_columns[{i}].values", list(column["values"])


def some(names: Sequence[str], most: int = MOST) -> str:
    """The first of many names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
