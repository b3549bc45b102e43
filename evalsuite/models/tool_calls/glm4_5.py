"""GLM-4.5's calls: the name, then <arg_key> and <arg_value> pairs, between <tool_call> tags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from evalsuite.models.tool_calls.parsed import Parsed, literal, parameter_schemas, schema_type
from evalsuite.types import Tool

BLOCK = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
PAIR = re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)(?:</arg_value>|(?=<arg_key>)|\Z)", re.DOTALL)
TEXT_TYPES = ("string", "str", "text", "char", "enum")


def parse(text: str, tools: Sequence[Tool]) -> Parsed:
    """Read the calls; text values stay as they are, all others are read as JSON or Python."""
    start = text.find("<tool_call>")
    if start < 0:
        return Parsed(text)
    parsed = Parsed(text[:start])
    for block in BLOCK.findall(text):
        head, _, _ = block.partition("<arg_key>")
        name = head.strip()
        if not name or "\n" in name:
            parsed.problem("a tool_call without a name", block)
            continue
        schemas = parameter_schemas(tools, name)
        arguments: dict[str, Any] = {}
        for key, value in PAIR.findall(block):
            kind = schema_type(schemas.get(key.strip()))
            arguments[key.strip()] = value if kind in TEXT_TYPES else literal(value.strip())
        if block.count("<arg_key>") != len(arguments):
            parsed.problem(f"arguments of {name} that cannot be read or stand twice", block)
        parsed.call(name, arguments)
    return parsed
