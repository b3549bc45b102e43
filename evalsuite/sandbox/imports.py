"""What a program needs of a worker, told from its import statements without running it."""

from __future__ import annotations

import re
import sys

from evalsuite.sandbox.outcome import Flavour

_IMPORT = re.compile(
    r"""(?:^|[;:'"])[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([\w., \t]+))""", re.MULTILINE
)
_SPREADING = frozenset(
    {"os", "posix", "pty", "subprocess", "threading", "_thread", "concurrent", "asyncio"}
    | {"multiprocessing", "_multiprocessing"}
)
_INDIRECT = ("__import__", "import_module", "pkg_resources")


def imported(source: str) -> frozenset[str]:
    """Top-level names of the modules that a source imports (a superset: text in strings counts too)."""
    if "import" not in source:
        return frozenset()
    if "\\\n" in source:
        source = source.replace("\\\n", " ")
    names: set[str] = set()
    for match in _IMPORT.finditer(source):
        if match.group(1):
            names.add(match.group(1).partition(".")[0])
        else:
            for part in match.group(2).split(","):
                words = part.split()
                if words:
                    names.add(words[0].partition(".")[0])
    return frozenset(name for name in names if name)


def flavour(*sources: str) -> Flavour:
    """`scientific` when anything beyond the standard library may be imported."""
    for source in sources:
        if imported(source) - sys.stdlib_module_names or any(word in source for word in _INDIRECT):
            return "scientific"
    return "lean"


def spreads(source: str) -> bool:
    """Whether it may want several processors at once, or look how many there are."""
    return not _SPREADING.isdisjoint(imported(source))
