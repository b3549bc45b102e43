"""How like two pieces of code are: edit similarity and matching tokens. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\sA-Za-z0-9]")


def common_length(first: Sequence[str] | str, second: Sequence[str] | str) -> int:
    """The length of the longest common subsequence, a row of the table at a time as the bits of a number."""
    places: dict[str, int] = {}
    for at, one in enumerate(first):
        places[one] = places.get(one, 0) | 1 << at
    full = (1 << len(first)) - 1
    row = full
    for two in second:
        met = row & places.get(two, 0)
        row = (row + met | row - met) & full
    return len(first) - row.bit_count()


def edit_distance(first: str, second: str) -> int:
    """How many insertions, deletions and substitutions lie between two texts, by the same means."""
    if not first:
        return len(second)
    places: dict[str, int] = {}
    for at, one in enumerate(first):
        places[one] = places.get(one, 0) | 1 << at
    full, last = (1 << len(first)) - 1, 1 << len(first) - 1
    up, down, distance = full, 0, len(first)
    for two in second:
        met = places.get(two, 0)
        steady = ((met & up) + up ^ up) | met
        rises, falls = down | ~(steady | up) & full, up & steady
        distance += bool(rises & last) - bool(falls & last)
        rises, falls = (rises << 1 | 1) & full, falls << 1 & full
        met |= down
        up, down = falls | ~(met | rises) & full, rises & met
    return distance


def edit_similarity(first: str, second: str) -> float:
    """The share (0..1) of characters that insertions and deletions keep, in whole percent.

    This is fuzzywuzzy's `fuzz.ratio` over python-Levenshtein (and rapidfuzz's, rounded). Without that package
    fuzzywuzzy takes difflib's matching blocks, which may give less.
    """
    total = len(first) + len(second)
    if not total:
        return 1.0
    return round(100 * (2 * common_length(first, second) / total)) / 100


def levenshtein_similarity(first: str, second: str) -> float:
    """One minus the edit distance (with substitutions) over the longer length, as RepoEval counts."""
    longest = max(len(first), len(second))
    return 1 - edit_distance(first, second) / longest if longest else 1.0


def prefix_match(text: str, truth: str) -> float:
    """1.0 when a text begins with the truth: right, had it stopped there."""
    return float(text.strip().startswith(truth.strip()))


def code_tokens(text: str) -> list[str]:
    """Words (camel case split), numbers and signs; all quotes are one."""
    return _WORDS.findall(re.sub(r"[\"'`]", "`", text))


def first_filled_lines(text: str, count: int) -> str:
    """The first lines that are not blank."""
    lines = [line for line in text.split("\n") if line.strip()]
    return "\n".join(lines[:count])
