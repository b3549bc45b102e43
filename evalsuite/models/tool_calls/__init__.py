"""Tool calls read out of a model's text, in the format that the model was trained to write.

A server can do this too; both ways differ in what they keep (white space of a value, its type, a call cut
off at the end), so an answer says which one was used, and these are the same for every backend.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalsuite.errors import UserError, nearest_name
from evalsuite.models.tool_calls import glm4, glm4_5, hermes, qwen3_coder
from evalsuite.models.tool_calls.parsed import Parsed
from evalsuite.types import Tool, ToolCall

_PARSERS: dict[str, Callable[[str, Sequence[Tool]], Parsed]] = {
    "qwen3_coder": qwen3_coder.parse,
    "hermes": hermes.parse,
    "glm4": glm4.parse,
    "glm4_5": glm4_5.parse,
}
FORMATS = tuple(_PARSERS)


def parse_tool_calls(
    format: str, text: str, tools: Sequence[Tool]
) -> tuple[str, tuple[ToolCall, ...], tuple[str, ...]]:
    """The text beside the calls, the calls, and what was wrong with them (which is counted, not hidden)."""
    if format not in _PARSERS:
        raise UserError(
            f"no tool-call format {format!r}",
            where="tool_parser",
            expected=", ".join(FORMATS),
            nearest=nearest_name(format, FORMATS),
        )
    parsed = _PARSERS[format](text, tools)
    known = {tool.name for tool in tools}
    strangers = [call.name for call in parsed.calls if known and call.name not in known]
    problems = [*parsed.problems, *(f"no such function: {name}" for name in strangers)]
    return parsed.content, tuple(parsed.calls), tuple(problems)
