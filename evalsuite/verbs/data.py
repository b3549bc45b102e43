"""`evalsuite data`: which benchmark files there are, where they lie, and whether they are the right ones."""

from __future__ import annotations

import fnmatch
import sys
from collections.abc import Sequence

from evalsuite.cli import parser
from evalsuite.datasets.fetch import addresses, content_sha256, fetch
from evalsuite.datasets.resolve import here
from evalsuite.datasets.sources import Source, sources
from evalsuite.errors import UserError


def main(argv: Sequence[str]) -> int:
    """List, fetch or verify; status 1 when a file is wrong or could not be had."""
    options = parser("data", "Benchmark files: list them, fetch them into the cache, verify them by sha256.")
    options.add_argument("action", choices=("list", "fetch", "verify"))
    options.add_argument(
        "patterns", nargs="*", metavar="PATTERN", help="benchmark or file names; wildcards allowed"
    )
    words = options.parse_args(list(argv))
    entries = chosen(sources(), words.patterns)
    return {"list": _list, "fetch": _fetch, "verify": _verify}[words.action](entries)


def chosen(entries: Sequence[Source], patterns: Sequence[str]) -> list[Source]:
    """The files whose name or benchmark matches; all of them without a pattern."""
    found = [
        entry
        for entry in entries
        if not patterns
        or any(fnmatch.fnmatch(entry[key], pattern) for pattern in patterns for key in ("file", "benchmark"))
    ]
    if not found:
        from evalsuite.errors import nearest_name

        known = sorted({entry["benchmark"] for entry in entries})
        raise UserError(
            f"no benchmark file matches {' '.join(patterns)}",
            expected="a benchmark's name or a pattern",
            nearest=nearest_name(patterns[0], known),
        )
    return found


def _list(entries: Sequence[Source]) -> int:
    width = max(len(entry["file"]) for entry in entries)
    for entry in entries:
        place = here(entry["file"])
        word = str(place) if place else "not here" if any(addresses(entry)) else "not here, no address known"
        sys.stdout.write(f"{entry['file'].ljust(width)}  {entry.get('rows') or '-':>6} rows  {word}\n")
        sys.stdout.write(f"{'':{width}}  licence: {entry.get('licence', 'unknown')}\n")
    return 0


def _verify(entries: Sequence[Source]) -> int:
    wrong = 0
    for entry in entries:
        place = here(entry["file"])
        if place is None:
            sys.stdout.write(f"not here  {entry['file']}\n")
            continue
        good = content_sha256(place) == entry["sha256"]
        wrong += not good
        sys.stdout.write(f"{'right' if good else 'WRONG'}     {place}\n")
    return 1 if wrong else 0


def _fetch(entries: Sequence[Source]) -> int:
    failed = 0
    for entry in entries:
        place = here(entry["file"])
        if place is not None and content_sha256(place) == entry["sha256"]:
            sys.stdout.write(f"have      {place}\n")
            continue
        try:
            sys.stdout.write(f"fetched   {fetch(entry)}\n")
        except UserError as error:
            failed += 1
            sys.stderr.write(f"{error.render()}\n")
    return 1 if failed else 0
