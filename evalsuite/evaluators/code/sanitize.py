"""The part of a Python answer that its entry point needs, as EvalPlus and BigCodeBench cut it out."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator

from evalsuite import syntax
from evalsuite.evaluators.code.python_text import longest_python


def sanitized(text: str, entry: str) -> str:
    """EvalPlus: imports, then the definitions reachable from `entry` in their order; the first of a name
    wins.

    A function without any return statement is no definition. A text of which nothing remains is given back as
    its longest run of Python lines.
    """
    code = longest_python(text)
    return _target(code, entry, need_return=True).strip() or code


def sanitized_bigcodebench(text: str, entry: str) -> str:
    """BigCodeBench: functions need no return statement, and closing lines that use `entry` are dropped."""
    kept = _target(longest_python(text.strip()), entry, need_return=False)
    lines = kept.splitlines()
    end = len(lines)
    for place in range(len(lines) - 1, -1, -1):
        if lines[place].startswith(" "):
            break
        if entry in lines[place]:
            end = place
    if end < len(lines):
        kept = "\n".join(lines[:end])
    return kept.strip() or longest_python(text)


def _target(code: str, entry: str, need_return: bool) -> str:
    try:
        tree = syntax.module(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    source = _Source(code)
    imports: list[str] = []
    definitions: list[tuple[str | None, ast.stmt]] = []
    names: set[str | None] = set()
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.append(source.of(node))
            continue
        if not _is_definition(node, need_return):
            continue
        name = _defined_name(node)
        if name not in names:
            names.add(name)
            definitions.append((name, node))
    reached = _reachable(entry, {name: set(_identifiers(node)) for name, node in definitions})
    pieces = imports + [source.of(node) for name, node in definitions if name in reached]
    return "\n".join(pieces)


class _Source:
    """Cuts statements out of a text by byte positions, as the parser counts them."""

    def __init__(self, code: str) -> None:
        self._data = code.encode()
        self._starts = [0]
        for line in self._data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def of(self, node: ast.stmt) -> str:
        first = self._starts[node.lineno - 1] + node.col_offset
        last = self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        return self._data[first:last].decode()


def _is_definition(node: ast.stmt, need_return: bool) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        # A decorated function is another kind of node for the tools whose rule this is, and not kept.
        return not node.decorator_list and (
            not need_return or any(isinstance(inner, ast.Return) for inner in ast.walk(node))
        )
    if isinstance(node, ast.ClassDef):
        return not node.decorator_list
    return isinstance(node, (ast.Assign, ast.AnnAssign))


def _defined_name(node: ast.stmt) -> str | None:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return node.name
    if isinstance(node, ast.AnnAssign):
        return node.target.id if isinstance(node.target, ast.Name) else None
    if isinstance(node, ast.Assign):
        if isinstance(node.targets[0], ast.Name):
            return node.targets[0].id
        if len(node.targets) == 1 and isinstance(node.value, ast.Name):
            return node.value.id
    return None


def _reachable(entry: str, uses: dict[str | None, set[str]]) -> set[str | None]:
    seen: set[str | None] = {entry}
    waiting = deque([entry])
    while waiting:
        for name in uses.get(waiting.popleft(), ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen


def _identifiers(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr
        elif isinstance(inner, (ast.arg, ast.keyword)):
            if inner.arg:
                yield inner.arg
        elif isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield inner.name
        elif isinstance(inner, ast.alias):
            yield from inner.name.split(".")
            if inner.asname:
                yield inner.asname
        elif isinstance(inner, (ast.Global, ast.Nonlocal)):
            yield from inner.names
        elif isinstance(inner, ast.ExceptHandler) and inner.name:
            yield inner.name
