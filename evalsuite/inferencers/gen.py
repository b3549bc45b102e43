"""Generation: one prompt, one text; or, turn by turn, a text for every empty assistant message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from evalsuite.errors import UserError
from evalsuite.inferencers.base import Exchange
from evalsuite.inferencers.exchange import OneRequest, message_json
from evalsuite.inferencers.setup import Setup
from evalsuite.inferencers.turns import Turns
from evalsuite.prompt.conversation import speaker
from evalsuite.store.keys import digest
from evalsuite.types import Message, Prompt, Request, Sample, Tool, Verb


class GenInferencer:
    """Asks for one text per sample; with `multiround` for one in every empty assistant message, in order."""

    verb: ClassVar[Verb] = "generate"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._multiround = bool(setup.options.get("multiround"))
        self._builder = setup.builder("gen", as_messages=self._multiround)
        self._fits = setup.fits(setup.sampling.max_out_len)
        self._speak = speaker(setup.kind, setup.meta_template)
        self._tools_column: str | None = setup.options.get("tools_column")

    def exchange(self, sample: Sample, repeat: int) -> Exchange:
        prompt = self._builder.build(sample, self._fits)
        tools = read_tools(sample, self._tools_column) if self._tools_column else ()
        if self._multiround and not isinstance(prompt, str):
            return self._turns(sample, repeat, prompt, tools)
        request = self._setup.generate(open_ended(prompt), repeat, sample.id, tools)
        return OneRequest(sample, repeat, request)

    def _turns(
        self, sample: Sample, repeat: int, messages: tuple[Message, ...], tools: tuple[Tool, ...]
    ) -> Exchange:
        places = [at for at, one in enumerate(messages) if one.role == "assistant" and not one.content]
        if not places:
            messages, places = (*messages, Message("assistant")), [len(messages)]

        def ask(before: Sequence[Message], place: int) -> Request:
            shown: Prompt = tuple(before) if self._setup.kind == "messages" else self._speak(before)
            return self._setup.generate(shown, repeat, sample.id, tools)

        known = [message_json(message) for message in messages]
        key = digest(["turns", known, ask(messages[: places[0]], places[0]).key])
        return Turns(key, sample, repeat, messages, places, ask, own_words=True)


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
