"""`evalsuite score`: grade answers that were produced elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from evalsuite.cli import at_least, parser
from evalsuite.errors import UserError
from evalsuite.score import grade
from evalsuite.score.names import dataset_configs


def main(argv: Sequence[str]) -> int:
    """NAME ANSWERS [--data PATH] [--raw] [--out DIR] [--workers N] [--option KEY=VALUE], or --list."""
    words = parser("score", "Grade answers that were produced elsewhere.")
    words.add_argument("name", nargs="?", help="a dataset, for example humaneval_plus (see --list)")
    words.add_argument(
        "answers", nargs="?", help="JSON lines of id and prediction, or the file of the benchmark's own tool"
    )
    words.add_argument("--data", help="another problem file of the same format")
    words.add_argument("--raw", action="store_true", help="take the texts as they stand, extract nothing")
    words.add_argument("--out", help="folder for scores.jsonl")
    words.add_argument("--workers", type=at_least(1), help="sandbox workers (default: one per processor)")
    words.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="a keyword of the evaluator"
    )
    words.add_argument("--list", action="store_true", help="print the names that can be scored")
    given = words.parse_args(list(argv))
    if given.list:
        sys.stdout.write("\n".join(sorted(dataset_configs())) + "\n")
        return 0
    if given.name is None or given.answers is None:
        raise UserError("score wants a dataset's name and a file of answers", expected="NAME ANSWERS")
    return grade(
        given.name,
        given.answers,
        data=given.data,
        raw=given.raw,
        out=given.out,
        workers=given.workers,
        options=_options(given.option),
    )


def _options(texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        key, value = _option(text)
        if key in found:
            raise UserError(f"{key!r} is given twice", where="--option", expected="each option once")
        found[key] = value
    return found


def _option(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"{text!r} is no option", expected="KEY=VALUE")
    try:
        return key, json.loads(value)
    except (ValueError, RecursionError):
        return key, value
