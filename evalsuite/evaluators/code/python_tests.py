"""Python tests that call one function: they run out here, against a stand-in for the function inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalsuite.sandbox import Limits, Outcome, Sandbox


def run_python_tests(
    sandbox: Sandbox, source: str, tests: str, entry: str, limits: Limits, setup: str = ""
) -> Outcome:
    """The verdict of trusted `tests` on `entry` of an untrusted program.

    Tests may name the function itself, or define `check(candidate)`; where they do not call `check`
    themselves it is called here. `setup` is trusted code that they need: imports, helper functions. Only
    arguments go in and only plain data comes out, so no verdict can be forged.
    """
    before = compile(setup, "<setup>", "exec")
    code = compile(tests, "<tests>", "exec")
    calls_check = "def check(" in tests and f"\ncheck({entry})" not in tests

    def check(candidate: Callable[..., Any]) -> None:
        space: dict[str, Any] = {"candidate": candidate}
        exec(before, space)
        space[entry] = candidate
        exec(code, space)
        if calls_check:
            space["check"](candidate)

    return sandbox.calls(source, entry, check, limits, mutates=True)
