"""`evalsuite list [PATTERN...]`: the configs that names can mean."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from evalsuite.cli import parser


def main(argv: Sequence[str]) -> int:
    """Print kind, name and path of each config; status 1 when nothing matches."""
    options = parser("list", "Configs by name or pattern: models, datasets, summarizers, whole evaluations.")
    options.add_argument(
        "patterns", nargs="*", metavar="PATTERN", help="wildcards allowed; all when none is given"
    )
    options.add_argument("--config-dir", help="where names are looked up first (configs)")
    words = options.parse_args(list(argv))
    from evalsuite.config.find import listing

    found = listing(words.patterns, words.config_dir)
    width = max((len(entry.name) for entry in found), default=0)
    for entry in found:
        sys.stdout.write(f"{entry.kind:<12} {entry.name.ljust(width)}  {entry.path}\n")
    return 0 if found else 1
