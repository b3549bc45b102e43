"""Hermes' calls (Qwen2.5, Qwen3): a JSON object with name and arguments between <tool_call> tags."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from evalsuite.models.tool_calls.parsed import Parsed
from evalsuite.types import Tool

BLOCK = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)


def parse(text: str, tools: Sequence[Tool]) -> Parsed:
    """Read the calls; one that is no JSON is a problem and not silently missing."""
    start = text.find("<tool_call>")
    if start < 0:
        return Parsed(text)
    parsed = Parsed(text[:start])
    for block in BLOCK.findall(text):
        call = _json(block)
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            parsed.problem("a tool_call that is no JSON object with a name", block)
            continue
        arguments = call.get("arguments", call.get("parameters", {}))
        if isinstance(arguments, str):
            arguments = _json(arguments)
        if not isinstance(arguments, dict):
            parsed.problem(f"the arguments of {call['name']} are no JSON object", block)
            continue
        parsed.call(call["name"], arguments)
    return parsed


def _json(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return None
