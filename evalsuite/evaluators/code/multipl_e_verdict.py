"""What makes a MultiPL-E program pass, by language: the published rules on how it ended. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalsuite.sandbox import Outcome

_CS_CHAT_FAILURES = ("System.Diagnostics.DefaultTraceListener.Fail", "Unhandled Exception")


def cpp_flags(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """What a C++ program is linked with: the problem of digests needs a library."""
    return ("-lcrypto", "-lssl") if "162" in fields["task_id"] else ()


def _threw(outcome: Outcome) -> bool:
    """Whether a C# program ended with an exception that nobody caught, by itself and not by a chosen code."""
    return outcome.exit_code == 1 and "Unhandled Exception:" in outcome.stderr


def verdict(language: str, outcome: Outcome, word: str, chat: bool) -> Outcome:
    """The published rule of a language on top of how its program ended, and the marker.

    Of a chat model's answers, a JavaScript program may print what it likes, and a C# program that ends by an
    exception is wrong.
    """
    if outcome.status not in ("pass", "fail"):
        return outcome
    reached = word in outcome.stdout
    if language == "js" and not chat:
        quiet = not outcome.stderr and not outcome.stdout.replace(word, "").strip()
        ok = reached and quiet
    elif language == "cs" and chat:
        ok = reached and not any(each in outcome.stderr for each in _CS_CHAT_FAILURES)
    elif language == "cs":
        ok = "Fail" not in outcome.stderr and (reached or _threw(outcome))
    else:
        ok = outcome.status == "pass" and reached
    if ok:
        return replace(outcome, status="pass", detail="")
    if language == "go" and any(f"[{stage} failed]" in outcome.stdout for stage in ("build", "setup")):
        return replace(outcome, status="compile_error")
    detail = outcome.detail
    if outcome.status == "pass":
        detail = "printed or ended otherwise than a passing test does"
    return replace(outcome, status="fail", detail=detail or outcome.stderr[-300:])
