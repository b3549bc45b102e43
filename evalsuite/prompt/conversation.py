"""A dialogue template as the conversation it is: a message per turn, the model's places among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalsuite.errors import UserError
from evalsuite.prompt.layout import ROLE_NAMES, chat_role, messages_as_text
from evalsuite.prompt.meta import MetaTemplate, flat
from evalsuite.prompt.raw import fill_messages, merge_same_role, prepend_messages, read_message
from evalsuite.prompt.template import Turn, Variant
from evalsuite.prompt.text import Text
from evalsuite.types import Message, Prompt


def conversation(variant: Variant, fields: Mapping[str, Any]) -> list[Message]:
    """The messages of a template for one sample, references written out."""
    if isinstance(variant, Text):
        return [Message("user", variant.fill(fields))]
    items = getattr(variant, "items", None)
    if items is not None:
        return fill_messages(variant, fields, ())  # type: ignore[arg-type]
    messages: list[Message] = []
    for item in flat(variant):  # type: ignore[arg-type]
        if isinstance(item, Turn):
            role = item.role if item.role in ROLE_NAMES else item.fallback or item.role
            messages.append(Message(chat_role(role), item.prompt.fill(fields) if item.prompt else ""))
        elif text := item.fill(fields):
            messages.append(Message("user", text))
    return messages


def conversation_of_row(
    variant: Variant | None,
    fields: Mapping[str, Any],
    columns: Sequence[str],
    reference: str | None,
    where: str,
) -> list[Message]:
    """The conversation of a row, in one of the forms that chat datasets have.

    A column of messages is the conversation itself; columns of texts make one exchange each; columns of lists
    of texts make one exchange per place of the lists.
    """
    named = [column for column in (*columns, reference) if column is not None and column in fields]
    row = {column: fields[column] for column in named}
    inputs = [column for column in columns if column in row]
    for column in ("dialogue", *inputs) if "dialogue" in inputs else inputs[:1] if len(inputs) == 1 else ():
        value = row[column]
        if isinstance(value, (list, tuple)) and value and all(isinstance(item, Mapping) for item in value):
            return [read_message(item, where) for item in value]
    if row and all(_is_texts(value) for value in row.values()):
        rows = [dict(zip(row, values, strict=False)) for values in zip(*row.values(), strict=False)]
    elif row and not any(isinstance(value, (list, tuple, Mapping)) for value in row.values()):
        rows = [row]
    else:
        raise UserError(
            "no conversation can be made of these columns",
            where=where,
            expected="texts, lists of texts, or one column with a list of messages",
        )
    return [message for one in rows for message in _exchange(variant, one, inputs, reference, where)]


def _exchange(
    variant: Variant | None, row: Mapping[str, Any], inputs: Sequence[str], reference: str | None, where: str
) -> list[Message]:
    gold = str(row.get(reference or "", ""))
    if variant is None:
        if len(inputs) != 1:
            raise UserError(
                "without a prompt_template a conversation needs exactly one input column", where=where
            )
        return [Message("user", str(row[inputs[0]])), Message("assistant", gold)]
    messages = conversation(variant, row)
    if not messages or messages[-1].role != "assistant":
        messages.append(Message("assistant", gold))
    return messages


def speaker(kind: str, meta_template: Any) -> Callable[[Sequence[Message]], Prompt]:
    """How a kind of model takes the messages before its turn.

    A text model gets each message dressed by its role. A model that takes messages gets them without empty
    ones, neighbours of one role joined, roles renamed as its meta template has them (`api_role`).
    """
    if kind == "text":
        meta = MetaTemplate(meta_template) if meta_template else None
        return lambda messages: messages_as_text(messages, meta)
    opening: list[Message] = []
    renamed: dict[str, str] = {}
    if isinstance(meta_template, (list, tuple)):
        opening = [read_message(item, "meta_template") for item in meta_template]
    elif meta_template:
        for role, keys in MetaTemplate(meta_template).roles.items():
            renamed[ROLE_NAMES.get(role, role)] = chat_role(keys.get("api_role", role))

    def spoken(messages: Sequence[Message]) -> Prompt:
        said = [
            replace(message, role=renamed.get(message.role, message.role))
            for message in messages
            if message.content or message.tool_calls
        ]
        return tuple(prepend_messages(opening, merge_same_role(said)))

    return spoken


def _is_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
