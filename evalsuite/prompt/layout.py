"""How a compiled template becomes a model's prompt: text with or without a meta template, or messages.

A layout turns a template's variant into a plan once; a plan is filled for each sample. The block of
examples is made by the same layout, so that examples are dressed exactly like the question behind them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, Union

from evalsuite.errors import UserError
from evalsuite.prompt.meta import CHAT_META, MetaTemplate, Spoken, flat
from evalsuite.prompt.raw import fill_messages, merge_same_role, prepend_messages
from evalsuite.prompt.template import Dialogue, Messages, Turn, Variant
from evalsuite.prompt.text import EXAMPLES, Examples, Text, join_texts
from evalsuite.types import Message, Prompt

Mode = Literal["gen", "ppl"]
Said = tuple[str, str]
Block = Union[str, list[str], list[Said], list[Message]]
ROLE_NAMES = {"HUMAN": "user", "BOT": "assistant", "SYSTEM": "system"}
_log = logging.getLogger("evalsuite.prompt")


class Plan(Protocol):
    """A template compiled for a kind of model."""

    def fill(self, fields: Mapping[str, Any], examples: Block) -> Prompt:
        """The prompt of one sample."""


class Layout(Protocol):
    """Makes plans, and blocks of examples, for one kind of model."""

    def plan(self, variant: Variant, mode: Mode) -> Plan:
        """The plan of a question's template."""

    def example(self, variant: Variant) -> Any:
        """The plan of an example's template, for `block`."""

    def block(self, shown: Sequence[tuple[Any, Mapping[str, Any]]], separator: str, closing: str) -> Block:
        """The examples (plan and row of each) as one block."""


def layout_for(kind: Literal["text", "messages"], meta_template: Any) -> Layout:
    """The layout that a model's prompt kind and meta template ask for."""
    if kind == "messages":
        return MessageLayout(meta_template)
    return MetaLayout(MetaTemplate(meta_template)) if meta_template else PlainLayout()


# --------------------------------------------------------------------------- text, without a meta template
class _PlainText:
    """A template that is one text."""

    __slots__ = ("_text",)

    def __init__(self, text: Text) -> None:
        self._text = text

    def fill(self, fields: Mapping[str, Any], examples: Block) -> str:
        return self._text.fill(fields, _as_text(examples))


class _Lines:
    """A dialogue for a model without roles: what is said, line by line, without the roles."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._whole: list[Text] = []
        self._cut: list[Text | Examples] = []
        for item in flat(dialogue):
            text = item.prompt if isinstance(item, Turn) else item
            text = Text(()) if text is None else text
            self._whole.append(text)
            self._cut.extend(text.around_examples() if isinstance(item, Text) else [text])
        self._spoken_hole = any(
            isinstance(item, Turn) and item.prompt is not None and item.prompt.takes_examples
            for item in flat(dialogue)
        )

    def lines(self, fields: Mapping[str, Any]) -> list[str]:
        return [text.fill(fields) for text in self._whole]

    def fill(self, fields: Mapping[str, Any], examples: Block) -> str:
        if isinstance(examples, str):
            return _join_lines([text.fill(fields, examples) for text in self._whole])
        if self._spoken_hole:
            raise _spoken_hole()
        lines: list[str] = []
        for item in self._cut:
            if isinstance(item, Text):
                lines.append(item.fill(fields))
            else:
                lines.extend(line for line in examples if isinstance(line, str))
        return _join_lines(lines)


class PlainLayout:
    """Prompts for a model that knows no roles."""

    def plan(self, variant: Variant, mode: Mode) -> Plan:
        if isinstance(variant, Text):
            return _PlainText(variant)
        return _Lines(variant) if isinstance(variant, Dialogue) else _RawLines(variant)

    def example(self, variant: Variant) -> Any:
        if isinstance(variant, Dialogue):
            return _Lines(Dialogue((), variant.round, ()))
        return variant

    def block(self, shown: Sequence[tuple[Any, Mapping[str, Any]]], separator: str, closing: str) -> Block:
        if not shown or isinstance(shown[0][0], Text):
            return _text_block(shown, separator, closing)
        if isinstance(shown[0][0], Messages):
            return _message_block(shown)
        lines: list[str] = []
        for plan, row in shown:
            lines.extend(plan.lines(row))
            if separator:
                lines.append(separator)
        lines.append(closing)
        return lines


# --------------------------------------------------------------------------- text, with a meta template
class _MetaText:
    """A dialogue dressed by a meta template: one text with holes, whatever the sample."""

    __slots__ = ("_spoken_hole", "_text")

    def __init__(self, text: Text, spoken_hole: bool) -> None:
        self._text = text
        self._spoken_hole = spoken_hole

    def fill(self, fields: Mapping[str, Any], examples: Block) -> str:
        if isinstance(examples, str):
            return self._text.fill(fields, examples)
        if self._spoken_hole:
            raise _spoken_hole()
        return self._text.fill(fields, "".join(line for line in examples if isinstance(line, str)))


class MetaLayout:
    """Prompts for a text model whose meta template dresses each role."""

    def __init__(self, meta: MetaTemplate) -> None:
        self._meta = meta

    def plan(self, variant: Variant, mode: Mode) -> Plan:
        if isinstance(variant, Text):
            return _PlainText(variant)
        if isinstance(variant, Messages):
            return _RawLines(variant, self._meta)
        parts: list[Text | str] = [_literal(self._meta.begin)]
        parts += self._section(variant.begin)
        words, open_ended = self._rounds(variant.round, mode == "gen")
        parts += words
        if not open_ended:
            parts += self._section(variant.end)
            parts.append(_literal(self._meta.end))
        spoken_hole = any(
            isinstance(item, Turn) and item.prompt is not None and item.prompt.takes_examples
            for item in flat(variant)
        )
        return _MetaText(join_texts(parts), spoken_hole)

    def example(self, variant: Variant) -> Any:
        if isinstance(variant, Dialogue):
            return _MetaText(join_texts(self._rounds(variant.round, False)[0]), False)
        return variant

    def block(self, shown: Sequence[tuple[Any, Mapping[str, Any]]], separator: str, closing: str) -> Block:
        if not shown or isinstance(shown[0][0], Text):
            return _text_block(shown, separator, closing)
        if isinstance(shown[0][0], Messages):
            return _message_block(shown)
        lines: list[str] = []
        for plan, row in shown:
            lines.append(plan.fill(row, ""))
            lines.append(separator)
        lines.append(closing)
        return lines

    def _section(self, items: Sequence[Turn | Text]) -> list[Text | str]:
        parts: list[Text | str] = []
        for item in items:
            if isinstance(item, Text):
                parts.append(item)
            else:
                parts.extend(_worn(self._meta.speak(item)))
        return parts

    def _rounds(self, items: Sequence[Turn | Text], generating: bool) -> tuple[list[Text | str], bool]:
        parts: list[Text | str] = [item for item in items if isinstance(item, Text)]
        rounds = self._meta.rounds([item for item in items if isinstance(item, Turn)])
        for number, turns in enumerate(rounds):
            spoken, opened = self._meta.speak_round(turns, generating and number == len(rounds) - 1)
            for item in spoken:
                parts.extend([item] if isinstance(item, str) else _worn(item))
            if opened is not None:
                return [*parts, opened.begin], True
        return parts, False


def _worn(spoken: Spoken) -> list[Text | str]:
    return [spoken.begin, spoken.prompt, spoken.end]


def _literal(value: Any) -> str:
    if not isinstance(value, str):
        raise UserError(
            f"begin and end of a text model's meta template must be texts, not {type(value).__name__}",
            where="meta_template",
        )
    return value


# --------------------------------------------------------------------------- messages
class _Talk:
    """A dialogue as messages: dressed by role, then neighbours of one role joined."""

    def __init__(self, opening: tuple[Said, ...], said: Sequence[tuple[str, Text] | Examples]) -> None:
        self._opening = opening
        self._said = tuple(said)

    def said(self, fields: Mapping[str, Any], examples: Block) -> list[Said]:
        out: list[Said] = []
        for item in self._said:
            if isinstance(item, Examples):
                if isinstance(examples, str) and examples.strip():
                    raise UserError(
                        "examples that are texts belong to no message of a chat model",
                        where="infer_cfg.ice_template",
                        expected="an ice_template with roles, or the mark of the examples inside a turn",
                    )
                out.extend(line for line in examples if isinstance(line, tuple))
            else:
                out.append((item[0], item[1].fill(fields, examples if isinstance(examples, str) else "")))
        return out

    def fill(self, fields: Mapping[str, Any], examples: Block) -> tuple[Message, ...]:
        return chat_messages([*self._opening, *_merge_said(self.said(fields, examples))])


class _UserText:
    """A template that is one text, said by the user."""

    __slots__ = ("_text",)

    def __init__(self, text: Text) -> None:
        self._text = text

    def fill(self, fields: Mapping[str, Any], examples: Block) -> tuple[Message, ...]:
        return (Message("user", self._text.fill(fields, _as_text(examples))),)


class _RawTalk:
    """A template of messages, passed on as they are."""

    def __init__(self, template: Messages, opening: tuple[Message, ...]) -> None:
        self._template = template
        self._opening = opening

    def fill(self, fields: Mapping[str, Any], examples: Block) -> tuple[Message, ...]:
        shown = [line for line in examples if isinstance(line, Message)]
        messages = fill_messages(self._template, fields, shown)
        return tuple(prepend_messages(self._opening, messages) if self._opening else messages)


class MessageLayout:
    """Prompts for a model that takes messages."""

    def __init__(self, meta_template: Any) -> None:
        self._opening: tuple[Message, ...] = ()
        if isinstance(meta_template, (list, tuple)):
            self._opening = tuple(_opening_message(item) for item in meta_template)
            meta_template = None
        self._meta = MetaTemplate(meta_template or CHAT_META)

    def plan(self, variant: Variant, mode: Mode) -> Plan:
        if isinstance(variant, Text):
            return _UserText(variant)
        if isinstance(variant, Messages):
            return _RawTalk(variant, self._opening)
        said = self._section(variant.begin)
        words, open_ended = self._rounds(variant.round, mode == "gen")
        said += words
        if not open_ended:
            said += self._section(variant.end)
        begin = self._meta.begin
        opening = [begin] if isinstance(begin, Mapping) else list(begin or ())
        if isinstance(begin, str) and begin:
            raise UserError(
                "begin of a meta template for messages must be a dict with role and prompt",
                where="meta_template.begin",
            )
        return _Talk(tuple((str(item["role"]), str(item.get("prompt", ""))) for item in opening), said)

    def example(self, variant: Variant) -> Any:
        if isinstance(variant, Dialogue):
            return _Talk((), self._rounds(variant.round, False)[0])
        return variant

    def block(self, shown: Sequence[tuple[Any, Mapping[str, Any]]], separator: str, closing: str) -> Block:
        if not shown or isinstance(shown[0][0], Text):
            return _text_block(shown, separator, closing)
        if isinstance(shown[0][0], Messages):
            return _message_block(shown)
        return [line for plan, row in shown for line in plan.said(row, "")]

    def _section(self, items: Sequence[Turn | Text]) -> list[tuple[str, Text] | Examples]:
        said: list[tuple[str, Text] | Examples] = []
        for item in items:
            if isinstance(item, Text):
                said.extend(_bare(item))
            else:
                spoken = self._meta.speak(item)
                said.append((spoken.api_role, join_texts(_worn(spoken))))
        return said

    def _rounds(
        self, items: Sequence[Turn | Text], generating: bool
    ) -> tuple[list[tuple[str, Text] | Examples], bool]:
        said: list[tuple[str, Text] | Examples] = []
        for item in items:
            if isinstance(item, Text):
                said.extend(_bare(item))
        rounds = self._meta.rounds([item for item in items if isinstance(item, Turn)])
        for number, turns in enumerate(rounds):
            spoken, opened = self._meta.speak_round(turns, generating and number == len(rounds) - 1)
            for words in spoken:
                if isinstance(words, str):
                    raise UserError(
                        f"the bare text {words!r} belongs to no message", where="meta_template.round"
                    )
                said.append((words.api_role, join_texts(_worn(words))))
            if opened is not None:
                return said, True
        return said, False


def chat_messages(said: Sequence[Said]) -> tuple[Message, ...]:
    """What was said as messages: empty words are left out, neighbours of one role joined by a line break."""
    messages = [Message(chat_role(role), words) for role, words in said if words]
    return tuple(merge_same_role(messages))


def chat_role(role: str) -> str:
    """The API's name of a role."""
    name = ROLE_NAMES.get(role, role)
    if name not in ("user", "assistant", "system", "tool", "developer"):
        raise UserError(
            f"no message can have the role {role!r}",
            where="meta_template",
            expected="api_role HUMAN, BOT or SYSTEM",
        )
    return name


def _merge_said(said: Sequence[Said]) -> list[Said]:
    merged: list[Said] = []
    for role, words in said:
        if merged and merged[-1][0] == role:
            merged[-1] = (role, merged[-1][1] + "\n" + words)
        else:
            merged.append((role, words))
    return merged


def _bare(text: Text) -> list[tuple[str, Text] | Examples]:
    """A bare text cannot be a message; only the place of the examples in it counts."""
    if any(isinstance(piece, str) and piece.strip() for piece in text.pieces):
        _log.warning("a text without a role is left out for a model that takes messages: %r", text.pieces)
    return [EXAMPLES for part in text.around_examples() if isinstance(part, Examples)]


def _opening_message(item: Any) -> Message:
    if not isinstance(item, Mapping) or item.get("role") not in ("system", "user", "assistant"):
        raise UserError(
            "a meta template of messages is a list of dicts with role and content", where="meta_template"
        )
    return Message(item["role"], str(item.get("content", "")))


# --------------------------------------------------------------------------- shared
class _RawLines:
    """Messages for a text model: dressed by its meta template's roles, else line by line."""

    def __init__(self, template: Messages, meta: MetaTemplate | None = None) -> None:
        self._template = template
        self._meta = meta

    def fill(self, fields: Mapping[str, Any], examples: Block) -> str:
        shown = [line for line in examples if isinstance(line, Message)]
        return messages_as_text(fill_messages(self._template, fields, shown), self._meta)


def messages_as_text(messages: Sequence[Message], meta: MetaTemplate | None) -> str:
    """Messages for a model that takes text, up to where the model is to speak."""
    if meta is None:
        return "\n".join(message.text for message in messages)
    names = {ROLE_NAMES.get(role, role): keys for role, keys in meta.roles.items()}
    out = []
    for message in messages:
        role = names.get(message.role, {})
        out += [role.get("begin", ""), message.text, role.get("end", "")]
    out.append(names.get("assistant", {}).get("begin", ""))
    return "".join(out)


def _join_lines(lines: Sequence[str]) -> str:
    out = [lines[0]] if lines and lines[0] else []
    out += ["\n" + line for line in lines[1:] if line]
    return "".join(out)


def _text_block(shown: Sequence[tuple[Any, Mapping[str, Any]]], separator: str, closing: str) -> str:
    return separator.join(plan.fill(row) for plan, row in shown) + closing


def _message_block(shown: Sequence[tuple[Any, Mapping[str, Any]]]) -> list[Message]:
    return [message for plan, row in shown for message in fill_messages(plan, row, ())]


def _as_text(examples: Block) -> str:
    """Examples for a template that is a text; a builder lets no others through."""
    if not isinstance(examples, str):
        raise TypeError("examples with roles in a template that is a text")
    return examples


def _spoken_hole() -> UserError:
    return UserError(
        "examples with roles cannot stand inside a turn's words",
        where="infer_cfg.prompt_template",
        expected="the mark of the examples as an item of its own in begin",
    )
