"""How like two pieces of code are: exact match, edit similarity, identifiers. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\sA-Za-z0-9]")


def common_length(first: Sequence[str] | str, second: Sequence[str] | str) -> int:
    """The length of the longest common subsequence."""
    if len(first) < len(second):
        first, second = second, first
    row = [0] * (len(second) + 1)
    for one in first:
        before = 0
        for at, two in enumerate(second, 1):
            above = row[at]
            row[at] = before + 1 if one == two else max(above, row[at - 1])
            before = above
    return row[-1]


def edit_similarity(first: str, second: str) -> float:
    """The share (0..1) of characters that insertions and deletions keep, in whole percent as fuzz.ratio gives
    it.
    """
    total = len(first) + len(second)
    if not total:
        return 1.0
    return round(100 * 2 * common_length(first, second) / total) / 100


def levenshtein_similarity(first: str, second: str) -> float:
    """One minus the edit distance (with substitutions) over the longer length, as RepoEval counts."""
    longest = max(len(first), len(second))
    if not longest:
        return 1.0
    row = list(range(len(second) + 1))
    for at, one in enumerate(first, 1):
        before, row[0] = row[0], at
        for place, two in enumerate(second, 1):
            above = row[place]
            row[place] = min(above + 1, row[place - 1] + 1, before + (one != two))
            before = above
    return 1 - row[-1] / longest


def code_tokens(text: str) -> list[str]:
    """Words (camel case split), numbers and signs; all quotes are one."""
    return _WORDS.findall(re.sub(r"[\"'`]", "`", text))


def first_filled_lines(text: str, count: int) -> str:
    """The first lines that are not blank."""
    lines = [line for line in text.split("\n") if line.strip()]
    return "\n".join(lines[:count])
