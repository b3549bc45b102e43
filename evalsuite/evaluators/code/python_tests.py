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

    Tests may name the function itself, or define `check(candidate)`; where they do not call `check` themselves it
    is called here. Only arguments go in and only plain data comes out, so no verdict can be forged.
    """
    code = compile(f"{setup}\n{tests}" if setup else tests, "<tests>", "exec")
    calls_itself = f"\ncheck({entry})" in tests

    def check(candidate: Callable[..., Any]) -> None:
        space: dict[str, Any] = {entry: candidate, "candidate": candidate}
        exec(code, space)
        # The trusted tests may define a function of the entry's name themselves: theirs counts for them alone.
        if "check" in space and not calls_itself:
            space["check"](candidate)

    return sandbox.calls(source, entry, check, limits, mutates=True)
