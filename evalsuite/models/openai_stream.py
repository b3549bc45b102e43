"""A reply that came as server-sent events, put together into the reply that would have come in one piece."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evalsuite.models.openai_errors import Verdict, error_of
from evalsuite.models.openai_wire import CallFailed


def assemble(body: bytes) -> dict[str, Any]:
    """The whole reply; a stream that ends without a finish reason was dropped, and is no answer."""
    reply: dict[str, Any] = {}
    choice: dict[str, Any] = {}
    for event in _events(body):
        if event.get("error"):
            message, _, _ = error_of(event)
            raise CallFailed(Verdict("server", f"the stream ended in an error: {message}", "retry"))
        for name in ("id", "model", "usage", "system_fingerprint"):
            if event.get(name):
                reply[name] = event[name]
        for part in event.get("choices") or ():
            if part.get("index", 0) == 0:
                _add(choice, part)
    if not choice.get("finish_reason"):
        raise CallFailed(
            Verdict("connection", "the stream broke off before the answer was complete", "retry")
        )
    if "message" in choice and "tool_calls" in choice["message"]:
        calls = choice["message"]["tool_calls"]
        choice["message"]["tool_calls"] = [calls[index] for index in sorted(calls)]
    reply["choices"] = [choice]
    return reply


def _events(body: bytes) -> list[dict[str, Any]]:
    events = []
    for line in body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            break
        try:
            event = json.loads(data)
        except ValueError:
            raise CallFailed(Verdict("bad_response", "an event of the stream is no JSON", "retry")) from None
        if isinstance(event, dict):
            events.append(event)
    return events


def _add(choice: dict[str, Any], part: Mapping[str, Any]) -> None:
    for name in ("finish_reason", "stop_reason"):
        if part.get(name) is not None:
            choice[name] = part[name]
    if "text" in part:
        choice["text"] = choice.get("text", "") + (part["text"] or "")
    if "delta" in part:
        message = choice.setdefault("message", {"content": ""})
        delta = part["delta"] or {}
        for name in ("content", "reasoning_content", "reasoning", "refusal"):
            if delta.get(name):
                message[name] = (message.get(name) or "") + delta[name]
        for call in delta.get("tool_calls") or ():
            _add_call(message.setdefault("tool_calls", {}), call)
    logprobs = part.get("logprobs")
    if logprobs:
        kept = choice.setdefault("logprobs", {})
        for name, values in logprobs.items():
            if isinstance(values, list):
                kept[name] = kept.get(name, []) + values


def _add_call(calls: dict[int, Any], part: Mapping[str, Any]) -> None:
    call = calls.setdefault(part.get("index", len(calls)), {"function": {"name": "", "arguments": ""}})
    if part.get("id"):
        call["id"] = part["id"]
    function = part.get("function") or {}
    call["function"]["name"] += function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""
