"""Whether a program's calls can be told apart: each one's value depends on its arguments alone.

Such calls may be made in any order and in several processes, with the same values. Only programs in which
this is plain to see count: functions over their own variables, and modules that keep nothing. A program that
is not recognised is no worse for it: its calls are made one after another.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from evalsuite import syntax

# Modules whose functions remember nothing that a caller could see, and reach nothing by its name.
_MODULES = frozenset(
    ("math", "cmath", "typing", "re", "itertools", "collections", "heapq", "bisect", "fractions")
)
# Built-ins that reach what outlives a call, or whose value differs from call to call.
_REACHING = frozenset(
    (
        *("globals", "locals", "vars", "setattr", "delattr", "getattr", "exec", "eval", "compile", "open"),
        *("input", "id", "breakpoint", "memoryview", "object", "get_type_hints"),
    )
)
_INNARDS = ("_", "f_", "gi_", "tb_", "co_", "cr_", "ag_")
_REFUSED = (ast.Global, ast.Nonlocal, ast.ClassDef, ast.AsyncFunctionDef, ast.Await, ast.Yield, ast.YieldFrom)


def calls_are_independent(source: str) -> bool:
    """Whether no call of a function of this program can leave anything behind for the next one."""
    try:
        tree = syntax.module(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(map(_is_plain, tree.body)) and not any(map(_reaches_out, ast.walk(tree)))


def _is_plain(node: ast.stmt) -> bool:
    """A statement of the module itself that makes nothing which could be changed later."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Import):
        return all(alias.name in _MODULES for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.module in _MODULES and not any(_is_reaching(alias.name) for alias in node.names)
    if isinstance(node, ast.Assign):
        return isinstance(node.value, ast.Constant) and all(
            isinstance(each, ast.Name) for each in node.targets
        )
    return isinstance(node, ast.FunctionDef)


def _reaches_out(node: ast.AST) -> bool:
    """Whether something anywhere in a program may outlive the call that does it."""
    if isinstance(node, (ast.FunctionDef, ast.Lambda)):
        kept = [*getattr(node, "decorator_list", ()), *_defaults(node)]
        return not all(isinstance(each, ast.Constant) for each in kept)
    if isinstance(node, ast.Attribute):
        return not isinstance(node.ctx, ast.Load) or _is_reaching(node.attr)
    if isinstance(node, ast.Name):
        return node.id in _REACHING or node.id.startswith("__")
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return not _is_plain(node)
    return isinstance(node, _REFUSED)


def _is_reaching(name: str) -> bool:
    return name in _REACHING or name.startswith(_INNARDS)


def _defaults(node: ast.FunctionDef | ast.Lambda) -> Iterator[ast.expr]:
    """Values of a function's arguments that are made once and kept with it."""
    yield from node.args.defaults
    yield from (each for each in node.args.kw_defaults if each is not None)
