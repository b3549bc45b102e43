"""GLM-4's calls: the function's name on a line, its arguments as JSON behind it, ended by <|observation|>."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from evalsuite.models.tool_calls.parsed import Parsed
from evalsuite.types import Tool

NAME = re.compile(r"[A-Za-z_][\w.\-]*")
TURN = "<|assistant|>"
END = "<|observation|>"


def parse(text: str, tools: Sequence[Tool]) -> Parsed:
    """Read the calls; a turn that is no name with a JSON object is text, as no tag marks a call."""
    parsed = Parsed("")
    texts: list[str] = []
    known = {tool.name for tool in tools}
    for turn in text.split(TURN):
        body = turn.removesuffix("\n").removesuffix(END)
        name, _, rest = body.lstrip("\n").partition("\n")
        name = name.strip()
        if not NAME.fullmatch(name) or not rest.lstrip().startswith("{"):
            texts.append(body)
            continue
        try:
            arguments, end = json.JSONDecoder(strict=False).raw_decode(rest.lstrip())
        except ValueError:
            if name in known:
                parsed.problem(f"the arguments of {name} are no JSON object", rest)
            else:
                texts.append(body)
            continue
        parsed.call(name, arguments)
        tail = rest.lstrip()[end:].replace(END, "").strip()
        if tail:
            parsed.problem(f"text behind the arguments of {name}", tail)
    parsed.content = "".join(texts)
    return parsed
