"""What a parser found, and how a value that was written as text gets the type that its schema names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalsuite import syntax
from evalsuite.types import Tool, ToolCall

SHOWN = 120


@dataclass
class Parsed:
    """Text, calls and problems, filled in reading order."""

    content: str
    calls: list[ToolCall] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def call(self, name: str, arguments: Mapping[str, Any]) -> None:
        """One more call; its id is its place."""
        self.calls.append(ToolCall(name, arguments, f"call_{len(self.calls)}"))

    def problem(self, what: str, text: str) -> None:
        """One more thing that could not be read."""
        shown = text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
        self.problems.append(f"{what}: {shown!r}")


def parameter_schemas(tools: Sequence[Tool], name: str) -> Mapping[str, Any]:
    """The schema of each parameter of one function."""
    for tool in tools:
        if tool.name == name:
            properties = tool.parameters.get("properties", {})
            return properties if isinstance(properties, Mapping) else {}
    return {}


def schema_type(schema: Any) -> str:
    """The one type that a schema names, in lower case; 'any' for alternatives, '' for none."""
    if not isinstance(schema, Mapping):
        return ""
    kind = schema.get("type")
    if isinstance(kind, (list, tuple)):
        kind = next((one for one in kind if one != "null"), "")
    if kind is None and any(name in schema for name in ("anyOf", "oneOf", "allOf")):
        return "any"
    return str(kind or "").strip().lower()


def literal(text: str) -> Any:
    """A value written as JSON, else as Python, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        pass  # not JSON; Python's own notation is what models write next
    try:
        return syntax.literal(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
