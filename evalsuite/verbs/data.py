"""`evalsuite data`: which benchmark files there are, where they lie, and whether they are the right ones."""

from __future__ import annotations

import fnmatch
import gzip
import hashlib
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalsuite.cli import parser
from evalsuite.errors import UserError

FETCH_SECONDS = 120


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


def sources() -> list[dict[str, Any]]:
    """Every known file: name, benchmark, licence, sha256 of its content, where to fetch it."""
    from evalsuite.config.find import shipped_data

    files: list[dict[str, Any]] = json.loads((shipped_data() / "sources.json").read_text("utf-8"))["files"]
    return files


def chosen(entries: Sequence[dict[str, Any]], patterns: Sequence[str]) -> list[dict[str, Any]]:
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


def content_sha256(path: Path) -> str:
    """The sha256 of a file's content, unpacked when it is gzip'd."""
    from evalsuite.datasets.tables import open_bytes

    hasher = hashlib.sha256()
    with open_bytes(path) as file:
        while piece := file.read(1 << 20):
            hasher.update(piece)
    return hasher.hexdigest()


def _place(entry: dict[str, Any]) -> Path | None:
    from evalsuite.datasets.resolve import find_data

    try:
        return find_data(entry["file"])
    except UserError:
        return None


def _list(entries: Sequence[dict[str, Any]]) -> int:
    width = max(len(entry["file"]) for entry in entries)
    for entry in entries:
        place = _place(entry)
        word = str(place) if place else "not here" if entry.get("url") else "not here, no address known"
        sys.stdout.write(f"{entry['file'].ljust(width)}  {entry.get('rows') or '-':>6} rows  {word}\n")
        sys.stdout.write(f"{'':{width}}  licence: {entry.get('licence', 'unknown')}\n")
    return 0


def _verify(entries: Sequence[dict[str, Any]]) -> int:
    wrong = 0
    for entry in entries:
        place = _place(entry)
        if place is None:
            sys.stdout.write(f"not here  {entry['file']}\n")
            continue
        good = content_sha256(place) == entry["sha256"]
        wrong += not good
        sys.stdout.write(f"{'right' if good else 'WRONG'}     {place}\n")
    return 1 if wrong else 0


def _fetch(entries: Sequence[dict[str, Any]]) -> int:
    failed = 0
    for entry in entries:
        place = _place(entry)
        if place is not None and content_sha256(place) == entry["sha256"]:
            sys.stdout.write(f"have      {place}\n")
            continue
        try:
            sys.stdout.write(f"fetched   {fetch(entry)}\n")
        except UserError as error:
            failed += 1
            sys.stderr.write(f"{error.render()}\n")
    return 1 if failed else 0


def fetch(entry: dict[str, Any]) -> Path:
    """Fetch one file into the cache; what has another content than expected is not kept."""
    from evalsuite.datasets.resolve import data_cache

    if not entry.get("url"):
        origin = entry.get("origin", "unknown")
        raise UserError(
            "no address is known for this file", where=entry["file"], expected=f"its origin: {origin}"
        )
    try:
        with urllib.request.urlopen(entry["url"], timeout=FETCH_SECONDS) as reply:
            data = reply.read()
    except (OSError, urllib.error.URLError) as error:
        raise UserError(f"cannot fetch {entry['url']}: {error}", where=entry["file"]) from error
    packed = data[:2] == b"\x1f\x8b"
    if hashlib.sha256(gzip.decompress(data) if packed else data).hexdigest() != entry["sha256"]:
        raise UserError(f"what came from {entry['url']} has another content", where=entry["file"])
    target = data_cache() / str(entry["file"])
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    temporary.write_bytes(gzip.compress(data) if target.suffix == ".gz" and not packed else data)
    temporary.replace(target)
    return target
