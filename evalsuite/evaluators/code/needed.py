"""A whole answer without what runs beside its function: tests and demonstrations, reading of input."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from evalsuite import syntax

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_CALLS = frozenset(("print", "exit", "quit", "sys.exit", "os._exit", "unittest.main", "doctest.testmod"))


def without_demonstrations(code: str, entry: str) -> str:
    """The module with `pass` for each statement that only uses `entry`, asserts, prints, reads or leaves.

    Models like to show their function at work, and what they expect of it is often wrong; benchmarks' own
    clean-up drops all statements but definitions, of which some are needed. Text that is no Python is given
    back as it is.
    """
    try:
        dropped = _dropped(syntax.module(code).body, entry)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code
    return _blanked(code, dropped) if dropped else code


def _dropped(body: Sequence[ast.stmt], entry: str) -> list[ast.stmt]:
    kept: set[str] = set()
    rest: list[ast.stmt] = []
    for node in body:
        if isinstance(node, _DEFINITIONS):
            kept.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            kept.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        else:
            rest.append(node)
    shows = _leading_to([node for node in body if isinstance(node, ast.FunctionDef)], entry)
    needed = _needed_by(body, entry)
    dropped: list[ast.stmt] = []
    lost: set[str] = set()
    for node in rest:
        stored, used = _names(node)
        runs = bool(used & shows or (used & lost) - kept)
        if entry not in stored and (_only_shows(node) or (runs and not stored & needed)):
            dropped.append(node)
            lost |= stored
        else:
            kept |= stored
            if runs:
                shows |= stored
    return dropped


def _needed_by(body: Iterable[ast.stmt], entry: str) -> set[str]:
    """The entry point and the global names that it comes to use by whatever way: a table of functions that
    call it may be among them.
    """
    return _reached(
        {entry},
        (
            ({node.name}, _global_uses(node)) if isinstance(node, _DEFINITIONS) else _names(node)
            for node in body
        ),
    )


def _global_uses(node: ast.AST) -> set[str]:
    """The names of the module that a definition uses; one that is bound anywhere in a function is its own."""
    if isinstance(node, ast.ClassDef):
        own = {name for part in node.body for name in _names(part)[0]}
        return {name for part in ast.iter_child_nodes(node) for name in _global_uses(part)} - own
    stored, used = _names(node)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        inner = list(ast.walk(node))
        declared = {name for part in inner if isinstance(part, ast.Global) for name in part.names}
        return used - ((stored | {part.arg for part in inner if isinstance(part, ast.arg)}) - declared)
    return used


def _leading_to(functions: Iterable[ast.FunctionDef], entry: str) -> set[str]:
    """The entry point, the reading of input, and the functions that come to call them by whatever way."""
    return _reached(
        {entry, "input"}, ((_names(node)[1], {node.name}) for node in functions if node.name != entry)
    )


def _reached(start: set[str], ways: Iterable[tuple[set[str], set[str]]]) -> set[str]:
    """All names that are reached: a way leads from any name of its first set to all of its second."""
    leading: dict[str, list[set[str]]] = {}
    for sources, targets in ways:
        for name in sources:
            leading.setdefault(name, []).append(targets)
    found, waiting = set(start), list(start)
    while waiting:
        for targets in leading.get(waiting.pop(), ()):
            waiting += targets - found
            found |= targets
            targets.clear()  # once is enough, by whichever name it was come to
    return found


def _only_shows(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assert):
        return True
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Call) or ast.unparse(node.value.func) in _CALLS
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    return isinstance(node, ast.If) and "__name__" in _names(node.test)[1]


def _names(node: ast.AST) -> tuple[set[str], set[str]]:
    """The names that a node binds, and those that it uses."""
    stored: set[str] = set()
    used: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            (used if isinstance(inner.ctx, ast.Load) else stored).add(inner.id)
        elif isinstance(inner, _DEFINITIONS):
            stored.add(inner.name)
        elif isinstance(inner, (ast.Import, ast.ImportFrom)):
            stored.update((alias.asname or alias.name).split(".")[0] for alias in inner.names)
    return stored, used


def _blanked(code: str, nodes: Iterable[ast.stmt]) -> str:
    data = code.encode("utf-8", "surrogatepass")
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    pieces: list[bytes] = []
    done = 0
    for node in nodes:
        first = starts[node.lineno - 1] + node.col_offset
        pieces += (data[done:first], b"pass")
        done = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
    pieces.append(data[done:])
    return b"".join(pieces).decode("utf-8", "surrogatepass")
