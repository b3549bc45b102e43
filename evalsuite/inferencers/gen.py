"""Generation: one prompt, one text; or, turn by turn, a text for every empty assistant message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from evalsuite.errors import UserError
from evalsuite.inferencers.base import Exchange
from evalsuite.inferencers.exchange import OneRequest
from evalsuite.inferencers.setup import Setup
from evalsuite.store.keys import request_key
from evalsuite.types import Prompt, Request, Sample, Tool, Verb


class GenInferencer:
    """Asks for one text per sample."""

    verb: ClassVar[Verb] = "generate"

    def __init__(self, setup: Setup) -> None:
        self._builder = setup.builder("gen")
        self._fits = setup.fits(setup.sampling.max_out_len)
        self._sampling = setup.sampling
        self._sampling_key = setup.sampling_key
        self._identity = setup.identity
        self._tools_column: str | None = setup.options.get("tools_column")

    def exchange(self, sample: Sample, repeat: int) -> Exchange:
        prompt = self._builder.build(sample, self._fits)
        if not isinstance(prompt, str):
            prompt = open_ended(prompt)
        tools = read_tools(sample, self._tools_column) if self._tools_column else ()
        key = request_key(self._identity, prompt, self._sampling_key, repeat, (), tools)
        return OneRequest(sample, repeat, Request(key, prompt, self._sampling, (), tools, repeat))


def open_ended(prompt: Prompt) -> Prompt:
    """Messages without an empty answer at their end: its place is where the model speaks."""
    if isinstance(prompt, str) or not prompt:
        return prompt
    last = prompt[-1]
    return prompt[:-1] if last.role == "assistant" and not last.content and not last.tool_calls else prompt


def read_tools(sample: Sample, column: str) -> tuple[Tool, ...]:
    """The tools that a row offers, written as OpenAI's API has them or as bare functions."""
    tools: Any = sample.fields.get(column) or ()
    if isinstance(tools, str):
        import json

        tools = json.loads(tools)
    if not isinstance(tools, Sequence) or not all(isinstance(tool, (Mapping, Tool)) for tool in tools):
        raise UserError(
            f"row {sample.id} has no list of tools in its column {column!r}",
            where="infer_cfg.inferencer.tools_column",
        )
    return tuple(_read_tool(tool) for tool in tools)


def _read_tool(tool: Mapping[str, Any] | Tool) -> Tool:
    if isinstance(tool, Tool):
        return tool
    function = tool.get("function", tool)
    return Tool(
        str(function.get("name", "")), str(function.get("description", "")), function.get("parameters") or {}
    )
