"""Messages as an API takes them: filled for a sample, joined by role, merged with a model's own opening."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evalsuite.errors import UserError
from evalsuite.prompt.template import Expand, Messages
from evalsuite.prompt.text import Text
from evalsuite.types import AudioPart, ImagePart, Message, Part, TextPart, ToolCall


def fill_messages(
    template: Messages, fields: Mapping[str, Any], examples: Sequence[Message]
) -> list[Message]:
    """The messages of one sample."""
    out: list[Message] = []
    for item in template.items:
        if item is None:
            out.extend(examples)
        elif isinstance(item, Expand):
            value = fields.get(item.column)
            if isinstance(value, (list, tuple)):
                out.extend(read_message(message, item.column) for message in value)
        elif isinstance(item.content, Text):
            out.append(Message(item.role, item.content.fill(fields)))
        else:
            parts = tuple(read_part(_fill(part, fields), "messages") for part in item.content)
            out.append(Message(item.role, parts))
    return out


def read_message(value: Any, where: str) -> Message:
    """A message out of a row: role and content as OpenAI's API writes them (or ShareGPT's from and value)."""
    if isinstance(value, Message):
        return value
    if not isinstance(value, Mapping):
        raise UserError(f"a message cannot be a {type(value).__name__}", where=where, expected="a dict")
    role = value.get("role") or _SHAREGPT.get(str(value.get("from")), value.get("from"))
    content = value["content"] if "content" in value else value.get("value", "")
    if not isinstance(role, str):
        raise UserError("a message needs a 'role'", where=where)
    if isinstance(content, (list, tuple)):
        content = tuple(read_part(part, where) for part in content)
    calls = tuple(_read_call(call) for call in value.get("tool_calls") or ())
    return Message(role, "" if content is None else content, calls, str(value.get("tool_call_id", "")))


_SHAREGPT = {"human": "user", "gpt": "assistant", "system": "system"}


def read_part(part: Any, where: str) -> Part:
    """A part of a message's content: text, image or sound, in the writings that datasets use."""
    if isinstance(part, (TextPart, ImagePart, AudioPart)):
        return part
    if isinstance(part, str):
        return TextPart(part)
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind == "text":
        return TextPart(str(part.get("text", "")))
    if kind in ("image", "image_url", "audio", "input_audio", "audio_url"):
        source = part.get(kind, part.get("image", part.get("audio", part.get("source"))))
        options = {key: value for key, value in part.items() if key not in ("type", kind)}
        if isinstance(source, Mapping):
            options.update({key: value for key, value in source.items() if key not in ("url", "data")})
            source = source.get("url", source.get("data"))
        made = ImagePart if kind.startswith("image") else AudioPart
        return made(str(source), options)
    raise UserError(
        f"unknown part {part!r} of a message", where=where, expected="type text, image_url or audio"
    )


def merge_same_role(messages: Iterable[Message]) -> list[Message]:
    """Neighbours of one role as one message, joined by a line break (only where both are plain text)."""
    merged: list[Message] = []
    for message in messages:
        last = merged[-1] if merged else None
        if (
            last is not None
            and last.role == message.role
            and isinstance(last.content, str)
            and isinstance(message.content, str)
        ):
            merged[-1] = Message(last.role, last.content + "\n" + message.content)
        else:
            merged.append(message)
    return merged


def prepend_messages(opening: Sequence[Message], messages: Sequence[Message]) -> list[Message]:
    """A model's opening messages merged into a prompt: where roles meet, the opening's words come first."""
    out: list[Message] = []
    at = 0
    for message in opening:
        while True:
            if at < len(messages) and messages[at].role == message.role:
                out.append(_lead(message, messages[at]))
                at += 1
                break
            if any(later.role == message.role for later in messages[at:]):
                out.append(messages[at])
                at += 1
                continue
            out.append(message)
            break
    out.extend(messages[at:])
    return out


def _lead(opening: Message, message: Message) -> Message:
    if isinstance(message.content, str):
        return Message(message.role, opening.text + message.content)
    return Message(message.role, (TextPart(opening.text), *message.content))


def _fill(value: Any, fields: Mapping[str, Any]) -> Any:
    if isinstance(value, Text):
        return value.fill(fields)
    if isinstance(value, Mapping):
        return {key: _fill(inner, fields) for key, inner in value.items()}
    return value


def _read_call(call: Any) -> ToolCall:
    if isinstance(call, ToolCall):
        return call
    function = call.get("function", call)
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        import json

        arguments = json.loads(arguments) if arguments.strip() else {}
    return ToolCall(str(function.get("name", "")), arguments, str(call.get("id", "")))
