"""Prompt templates as configs write them, read once into texts, dialogues or messages.

A template is a text; a dialogue (`begin`, `round`, `end` with roles); a dict from label to one of these; or a
list of messages as an API takes them.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from evalsuite.errors import UserError, nearest_name
from evalsuite.prompt.text import Text, compile_text

SECTIONS = ("begin", "round", "end")
MESSAGE_ROLES = ("system", "user", "assistant", "tool")
_TEMPLATE_KEYS = ("type", "template", "ice_token", "sep_token", "literals")
_RAW_KEYS = ("type", "messages", "format_variables", "ice_token", "literals")
_TURN_KEYS = ("role", "prompt", "fallback_role", "begin", "end", "generate", "api_role")


@dataclass(frozen=True)
class Turn:
    """What one role says; `overrides` are the keys that replace those of the model's role."""

    role: str
    prompt: Text | None
    fallback: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Dialogue:
    """A template with roles: an opening, the rounds, a closing. A bare text belongs to no role."""

    begin: tuple[Turn | Text, ...]
    round: tuple[Turn | Text, ...]
    end: tuple[Turn | Text, ...]


@dataclass(frozen=True)
class RawMessage:
    """A message of a messages template; content is a text or parts (each a dict of compiled values)."""

    role: str
    content: Text | tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Expand:
    """A column that holds a list of messages, put in at this place."""

    column: str


@dataclass(frozen=True)
class Messages:
    """A template of messages; None is the place of the examples."""

    items: tuple[RawMessage | Expand | None, ...]


Variant = Union[Text, Dialogue, Messages]


@dataclass(frozen=True)
class Template:
    """A template with its variants: one without a label, or one per label; `source` is how it was written."""

    variants: Mapping[Hashable, Variant]
    labelled: bool
    ice_token: str | None
    sep_token: str | None
    source: str = ""

    @property
    def first(self) -> Variant:
        """The variant that a generating task uses."""
        return next(iter(self.variants.values()))

    def variant(self, label: Hashable) -> Variant:
        """The variant of a label; labels that differ only in their type (1 and '1') are the same."""
        if not self.labelled:
            return self.first
        if label in self.variants:
            return self.variants[label]
        for known, variant in self.variants.items():
            if str(known) == str(label):
                return variant
        raise UserError(
            f"no template for the label {label!r}",
            where="template",
            expected="one of " + ", ".join(map(repr, self.variants)),
        )

    @property
    def takes_examples(self) -> bool:
        """Whether every variant has a place for examples."""
        return all(_takes_examples(variant) for variant in self.variants.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that some variant asks for."""
        return tuple(name for variant in self.variants.values() for name in _columns(variant))


def short_type(cfg: Mapping[str, Any]) -> str:
    """The class name in a config's `type`, whether written plain, dotted or as the class itself."""
    kind = cfg.get("type", "")
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))
    return name.rpartition(".")[2]


def own_path(cfg: Mapping[str, Any]) -> str | None:
    """The `module:attribute` of a type of the user's own, or None where the name is one of ours."""
    kind = cfg.get("type")
    if not isinstance(kind, str) or not ("." in kind or ":" in kind):
        return None
    if kind.split(".", 1)[0] in ("opencompass", "evalsuite"):
        return None
    if ":" in kind:
        return kind
    module, _, name = kind.rpartition(".")
    return f"{module}:{name}"


def read_template(
    cfg: Mapping[str, Any],
    where: str,
    *,
    as_example: bool = False,
    blank: Mapping[str, str] | None = None,
    keep_sep: bool = False,
) -> Template:
    """Read a template's config.

    `as_example` reads it for the examples' own text, where the mark of the examples is left out; `blank`
    gives columns a fixed text; `keep_sep` leaves the separator mark in the text.
    """
    if not isinstance(cfg, Mapping):
        raise UserError("a template must be a dict", where=where, expected="dict(type=..., template=...)")
    kind = short_type(cfg)
    if kind == "RawPromptTemplate":
        return _read_raw(cfg, where, blank)
    if kind not in ("", "PromptTemplate"):
        raise UserError(
            f"unknown template type {kind!r}",
            where=f"{where}.type",
            expected="PromptTemplate or RawPromptTemplate",
            nearest=nearest_name(kind, ("PromptTemplate", "RawPromptTemplate")),
        )
    _known_keys(cfg, _TEMPLATE_KEYS, where)
    if "template" not in cfg:
        raise UserError("a template needs the key 'template'", where=where)
    source = cfg["template"]
    ice_token = _token(cfg, "ice_token", where)
    sep_token = _token(cfg, "sep_token", where)
    reader = _Reader(
        ice_token, None if keep_sep else sep_token, blank, tuple(cfg.get("literals", ())), as_example
    )
    at = f"{where}.template"
    if isinstance(source, str):
        _needs_ice_token(source, ice_token, at)
        return Template({None: reader.text(source)}, False, ice_token, sep_token, source)
    if not isinstance(source, Mapping) or not source:
        raise UserError(
            f"a template cannot be a {type(source).__name__}", where=at, expected="a text or a dict"
        )
    if all(key in SECTIONS for key in source):
        return Template({None: reader.dialogue(source, at)}, False, ice_token, sep_token, str(source))
    variants: dict[Hashable, Variant] = {}
    for label, variant in source.items():
        spot = f"{at}[{label!r}]"
        if isinstance(variant, str):
            _needs_ice_token(variant, ice_token, spot)
            variants[label] = reader.text(variant)
        elif isinstance(variant, Mapping):
            variants[label] = reader.dialogue(variant, spot)
        else:
            raise UserError(
                f"a label's template cannot be a {type(variant).__name__}",
                where=spot,
                expected="a text or a dict with 'round'",
            )
    return Template(variants, True, ice_token, sep_token, str(source))


class _Reader:
    """Compiles the texts of one template with its marks."""

    def __init__(
        self,
        ice_token: str | None,
        drop: str | None,
        blank: Mapping[str, str] | None,
        literals: Collection[str],
        as_example: bool,
    ) -> None:
        self._ice_token, self._drop, self._blank = ice_token, drop, blank
        self._literals, self._as_example = literals, as_example

    def text(self, source: str) -> Text:
        if self._as_example and self._ice_token:
            return compile_text(
                source.replace(self._ice_token, ""), None, self._drop, self._blank, self._literals
            )
        return compile_text(source, self._ice_token, self._drop, self._blank, self._literals)

    def dialogue(self, source: Mapping[str, Any], where: str) -> Dialogue:
        for key in source:
            if key not in SECTIONS:
                raise UserError(
                    f"unknown section {key!r}",
                    where=where,
                    expected="begin, round, end",
                    nearest=nearest_name(str(key), SECTIONS),
                )
        if "round" not in source:
            raise UserError("a dialogue needs the section 'round'", where=where)
        begin, round_, end = (self._section(source.get(name), f"{where}.{name}") for name in SECTIONS)
        return Dialogue(begin, round_, end)

    def _section(self, section: Any, where: str) -> tuple[Turn | Text, ...]:
        if section is None:
            return ()
        items = section if isinstance(section, (list, tuple)) else [section]
        return tuple(self._item(item, f"{where}[{at}]") for at, item in enumerate(items))

    def _item(self, item: Any, where: str) -> Turn | Text:
        if isinstance(item, str):
            return self.text(item)
        if not isinstance(item, Mapping):
            raise UserError(
                f"a section's item cannot be a {type(item).__name__}",
                where=where,
                expected="a text or a dict with 'role' and 'prompt'",
            )
        _known_keys(item, _TURN_KEYS, where)
        if not isinstance(item.get("role"), str):
            raise UserError("a turn needs a 'role'", where=where)
        for key in ("prompt", "begin", "end", "fallback_role"):
            if key in item and not isinstance(item[key], str):
                raise UserError(f"{key} must be a text, not {type(item[key]).__name__}", where=where)
        return Turn(
            item["role"],
            self.text(item["prompt"]) if "prompt" in item else None,
            item.get("fallback_role", ""),
            {key: item[key] for key in ("begin", "end", "generate", "api_role") if key in item},
        )


def check_mix(prompt: Template, example: Template, where: str) -> list[UserError]:
    """Whether examples of this kind can stand in a prompt of that kind, none of them lost on the way."""
    allowed: Mapping[type, tuple[type, ...]] = {
        Text: (Text,),
        Dialogue: (Text, Dialogue),
        Messages: (Messages,),
    }
    named = {Text: "texts", Dialogue: "dialogues", Messages: "messages"}
    for variant in prompt.variants.values():
        for shown in example.variants.values():
            if not isinstance(shown, allowed[type(variant)]):
                return [
                    UserError(
                        f"examples that are {named[type(shown)]} cannot stand among {named[type(variant)]}",
                        where=where,
                        expected="both templates of the same kind",
                    )
                ]
    return []


def _read_raw(cfg: Mapping[str, Any], where: str, blank: Mapping[str, str] | None) -> Template:
    _known_keys(cfg, _RAW_KEYS, where)
    messages = cfg.get("messages")
    if not isinstance(messages, (list, tuple)):
        raise UserError("needs a list of messages", where=f"{where}.messages")
    ice_token = cfg.get("ice_token", "</E>")
    fill = bool(cfg.get("format_variables", True))
    literals = tuple(cfg.get("literals", ()))
    items: list[RawMessage | Expand | None] = []
    for at, item in enumerate(messages):
        spot = f"{where}.messages[{at}]"
        if isinstance(item, str):
            if item != ice_token:
                raise UserError(
                    f"a bare text {item!r} belongs to no message",
                    where=spot,
                    expected=f"the mark of the examples ({ice_token!r}) or a dict with role and content",
                )
            items.append(None)
        elif isinstance(item, Mapping) and "expand_column" in item:
            items.append(Expand(str(item["expand_column"])))
        elif isinstance(item, Mapping):
            items.append(_raw_message(item, spot, fill, blank, literals))
        else:
            raise UserError(f"a message cannot be a {type(item).__name__}", where=spot)
    return Template({None: Messages(tuple(items))}, False, ice_token, None, str(messages))


def _raw_message(
    item: Mapping[str, Any],
    where: str,
    fill: bool,
    blank: Mapping[str, str] | None,
    literals: Collection[str],
) -> RawMessage:
    role, content = item.get("role"), item.get("content")
    if role not in MESSAGE_ROLES:
        raise UserError(
            f"unknown role {role!r}",
            where=f"{where}.role",
            expected=", ".join(MESSAGE_ROLES),
            nearest=nearest_name(str(role), MESSAGE_ROLES),
        )

    def text(source: str) -> Text:
        return compile_text(source, None, None, blank, literals) if fill else Text([source])

    if isinstance(content, str):
        return RawMessage(role, text(content))
    if isinstance(content, (list, tuple)) and all(isinstance(part, Mapping) for part in content):
        return RawMessage(role, tuple(_compile_values(part, text) for part in content))
    raise UserError("a message needs a 'content'", where=where, expected="a text or a list of parts")


def _compile_values(value: Any, text: Any) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return {key: _compile_values(inner, text) for key, inner in value.items()}
    return value


def _known_keys(cfg: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in cfg:
        if key not in known:
            raise UserError(
                f"unknown key {key!r}",
                where=where,
                expected=", ".join(known),
                nearest=nearest_name(str(key), known),
            )


def _token(cfg: Mapping[str, Any], key: str, where: str) -> str | None:
    token = cfg.get(key)
    if token is not None and not isinstance(token, str):
        raise UserError(f"must be a text, not {type(token).__name__}", where=f"{where}.{key}")
    return token or None


def _needs_ice_token(source: str, ice_token: str | None, where: str) -> None:
    if ice_token and ice_token not in source:
        raise UserError(
            f"the mark of the examples {ice_token!r} is not in the text",
            where=where,
            expected=f"a text that holds {ice_token!r}, or no ice_token",
        )


def _takes_examples(variant: Variant) -> bool:
    if isinstance(variant, Text):
        return variant.takes_examples
    if isinstance(variant, Messages):
        return None in variant.items
    for item in (*variant.begin, *variant.round, *variant.end):
        text = item.prompt if isinstance(item, Turn) else item
        if text is not None and text.takes_examples:
            return True
    return False


def _columns(variant: Variant) -> list[str]:
    if isinstance(variant, Text):
        return list(variant.columns)
    names: list[str] = []
    if isinstance(variant, Messages):
        for message in variant.items:
            if isinstance(message, Expand):
                names.append(message.column)
            elif message is not None:
                names.extend(_value_columns(message.content))
        return names
    for item in (*variant.begin, *variant.round, *variant.end):
        text = item.prompt if isinstance(item, Turn) else item
        if text is not None:
            names.extend(text.columns)
    return names


def _value_columns(value: Any) -> list[str]:
    if isinstance(value, Text):
        return list(value.columns)
    if isinstance(value, Mapping):
        return [name for inner in value.values() for name in _value_columns(inner)]
    if isinstance(value, tuple):
        return [name for inner in value for name in _value_columns(inner)]
    return []
