"""Python tests that call one function: they run out here, against a stand-in for the function inside."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from evalsuite import syntax

if TYPE_CHECKING:
    from evalsuite.sandbox import Limits, Outcome, Sandbox


def run_python_tests(
    sandbox: Sandbox,
    source: str,
    tests: str,
    entry: str,
    limits: Limits,
    setup: str = "",
    by_check: bool = False,
) -> Outcome:
    """The verdict of trusted `tests` on `entry` of an untrusted program.

    Tests may name the function itself, or define `check(candidate)`; where they do not call `check`
    themselves it is called here. `setup` is trusted code that they need: imports, helper functions. Only
    arguments go in and only plain data comes out, so no verdict can be forged. With `by_check` the tests have
    to define `check`: without it nothing would be tested, and every answer right.
    """
    before = compile(setup, "<setup>", "exec")
    code = compile(tests, "<tests>", "exec")
    defined = _defines_check(tests)
    if by_check and not defined:
        raise ValueError("the problem's tests define no check(candidate)")
    calls_check = defined and f"\ncheck({entry})" not in tests

    def check(candidate: Callable[..., Any]) -> None:
        space: dict[str, Any] = {"candidate": candidate}
        exec(before, space)
        space[entry] = candidate
        exec(code, space)
        if calls_check:
            space["check"](candidate)

    return sandbox.calls(source, entry, check, limits, mutates=True)


@lru_cache(1024)
def _defines_check(tests: str) -> bool:
    """Whether tests bind the name `check` at their top, in whatever way."""
    if re.search(r"^def check\(", tests, re.MULTILINE):
        return True
    if "check" not in tests:
        return False
    nodes: list[ast.AST] = list(syntax.module(tests).body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            if node.name == "check":
                return True
            continue  # what it binds is its own
        if isinstance(node, ast.Name) and node.id == "check" and isinstance(node.ctx, ast.Store):
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name) == "check":
            return True
        nodes.extend(ast.iter_child_nodes(node))
    return False
