"""Qwen3-Coder's calls: <function=NAME> with <parameter=P> blocks, their values typed by the schema."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from evalsuite.models.tool_calls.parsed import Parsed, literal, parameter_schemas, schema_type
from evalsuite.types import Tool

BLOCK = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
FUNCTION = re.compile(r"<function=(.*?)(?:</function>|\Z)", re.DOTALL)
PARAMETER = re.compile(r"<parameter=(.*?)(?:</parameter>|(?=<parameter=)|(?=</function>)|\Z)", re.DOTALL)
TEXT_TYPES = ("string", "str", "text", "varchar", "char", "enum")


def parse(text: str, tools: Sequence[Tool]) -> Parsed:
    """Read the calls; a block that was cut off at the end of the text still counts."""
    if "<function=" not in text:
        return Parsed(text)
    start = text.find("<tool_call>")
    parsed = Parsed(text[: start if start >= 0 else text.find("<function=")])
    blocks = BLOCK.findall(text) or [text]
    for block in blocks:
        functions = FUNCTION.findall(block)
        if not functions:
            parsed.problem("a tool_call without a function", block)
        for function in functions:
            name, closed, body = function.partition(">")
            if not closed:
                parsed.problem("a function without a name", function)
                continue
            parsed.call(name, _arguments(name, body, tools, parsed))
    return parsed


def _arguments(name: str, body: str, tools: Sequence[Tool], parsed: Parsed) -> dict[str, Any]:
    schemas = parameter_schemas(tools, name)
    arguments: dict[str, Any] = {}
    for parameter in PARAMETER.findall(body):
        key, closed, value = parameter.partition(">")
        if not closed:
            parsed.problem("a parameter without a name", parameter)
            continue
        value = value.removeprefix("\n").removesuffix("\n")
        if key in schemas:
            arguments[key] = _convert(key, value, schema_type(schemas[key]), parsed)
        else:
            arguments[key] = None if value.lower() == "null" else value
    return arguments


def _convert(key: str, value: str, kind: str, parsed: Parsed) -> Any:
    """A value by its schema's type; one that does not fit stays text, and is a problem."""
    if value.lower() == "null":
        return None
    if not kind or kind in TEXT_TYPES:
        return value
    if kind.startswith("bool") or kind == "binary":
        if value.lower() not in ("true", "false"):
            parsed.problem(f"{key} is no boolean", value)
        return value.lower() == "true"
    if kind.startswith(("int", "uint", "long", "short", "unsigned", "num", "float")):
        try:
            if kind.startswith(("num", "float")):
                number = float(value)
                return int(number) if int(number) == number else number
            return int(value)
        except (ValueError, OverflowError):
            parsed.problem(f"{key} is no {kind}", value)
            return value
    converted = literal(value)
    if kind in ("object", "array") and isinstance(converted, str):
        parsed.problem(f"{key} is no {kind}", value)
    return converted
