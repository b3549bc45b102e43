"""A model's meta template: how each role's words are dressed, and in which order a round runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.errors import UserError, nearest_name
from evalsuite.prompt.template import Dialogue, Turn
from evalsuite.prompt.text import Text

_META_KEYS = ("begin", "round", "end", "reserved_roles", "eos_token_id")
_ROLE_KEYS = ("role", "begin", "end", "prompt", "generate", "api_role")

# Chat models without a meta template: words of SYSTEM go into the user's turn, as OpenCompass has it.
CHAT_META: Mapping[str, Any] = {
    "round": [
        {"role": "HUMAN", "api_role": "HUMAN"},
        {"role": "SYSTEM", "api_role": "HUMAN"},
        {"role": "BOT", "api_role": "BOT", "generate": True},
    ]
}


@dataclass(frozen=True)
class Spoken:
    """A role's words in their place: the dress before, the words, the dress behind."""

    begin: str
    prompt: Text | str
    end: str
    generate: bool
    api_role: str


class MetaTemplate:
    """A checked meta template."""

    def __init__(self, cfg: Mapping[str, Any], where: str = "meta_template") -> None:
        for key in cfg:
            if key not in _META_KEYS:
                raise UserError(
                    f"unknown key {key!r}",
                    where=where,
                    expected=", ".join(_META_KEYS),
                    nearest=nearest_name(str(key), _META_KEYS),
                )
        order = cfg.get("round")
        if not isinstance(order, (list, tuple)):
            raise UserError("a meta template needs a list 'round'", where=where)
        self.begin = cfg.get("begin") or ""
        self.end = cfg.get("end") or ""
        self.order: list[str | Mapping[str, Any]] = [_entry(item, f"{where}.round") for item in order]
        self.roles: dict[str, Mapping[str, Any]] = {}
        reserved = [_entry(item, f"{where}.reserved_roles") for item in cfg.get("reserved_roles") or ()]
        for item in (*self.order, *reserved):
            if isinstance(item, str):
                continue
            if item["role"] in self.roles:
                raise UserError(f"the role {item['role']!r} stands twice", where=where)
            self.roles[item["role"]] = item
        self._place = {item["role"]: at for at, item in enumerate(self.order) if not isinstance(item, str)}

    def role_of(self, turn: Turn) -> str:
        """The role of this meta template that speaks a turn: its own, else its fallback."""
        for role in (turn.role, turn.fallback):
            if role in self.roles:
                return role
        raise UserError(
            f"the role {turn.role!r} is not in the model's meta template",
            where="meta_template",
            expected=", ".join(self.roles) + " (or a fallback_role among them)",
            nearest=nearest_name(turn.role, self.roles),
        )

    def speak(self, turn: Turn) -> Spoken:
        """One turn, dressed by its role."""
        return _dress(self.roles[self.role_of(turn)], turn)

    def rounds(self, turns: Sequence[Turn]) -> list[list[Turn]]:
        """The turns cut into rounds: a role that is not behind the one before it opens a new round."""
        rounds: list[list[Turn]] = [[]]
        last = -1
        for turn in turns:
            place = self._place.get(turn.role, self._place.get(turn.fallback))
            if place is None:
                self.role_of(turn)
                raise UserError(
                    f"the role {turn.role!r} has no place in the rounds of the model's meta template",
                    where="meta_template.round",
                    expected=", ".join(self._place),
                )
            if place <= last:
                rounds.append([])
            rounds[-1].append(turn)
            last = place
        return rounds

    def speak_round(
        self, turns: Iterable[Turn], until_generate: bool
    ) -> tuple[list[Spoken | str], Spoken | None]:
        """One round in the meta template's order; roles that say nothing keep their dress.

        With `until_generate` the round ends where the model is to speak: the second value is that role, whose
        opening dress is the last thing said, and nothing may follow.
        """
        said = {self.role_of(turn): turn for turn in _merge(turns, self)}
        spoken: list[Spoken | str] = []
        for item in self.order:
            if isinstance(item, str):
                spoken.append(item)
                continue
            words = _dress(item, said.get(item["role"]))
            if until_generate and words.generate:
                return spoken, words
            spoken.append(words)
        return spoken, None


def flat(dialogue: Dialogue) -> list[Turn | Text]:
    """All items of a dialogue in reading order."""
    return [*dialogue.begin, *dialogue.round, *dialogue.end]


def _entry(item: Any, where: str) -> str | Mapping[str, Any]:
    if isinstance(item, str):
        return item
    if not isinstance(item, Mapping) or not isinstance(item.get("role"), str):
        raise UserError("an entry must be a text or a dict with a 'role'", where=where)
    for key in item:
        if key not in _ROLE_KEYS:
            raise UserError(
                f"unknown key {key!r} of the role {item['role']!r}",
                where=where,
                expected=", ".join(_ROLE_KEYS),
                nearest=nearest_name(str(key), _ROLE_KEYS),
            )
    for key in ("begin", "end", "prompt", "api_role"):
        if key in item and not isinstance(item[key], str):
            raise UserError(
                f"{key} of the role {item['role']!r} must be a text, not {type(item[key]).__name__}",
                where=where,
            )
    return item


def _merge(turns: Iterable[Turn], meta: MetaTemplate) -> list[Turn]:
    """A role's later words replace its earlier ones, but what only the earlier ones set stays."""
    merged: dict[str, Turn] = {}
    for turn in turns:
        role = meta.role_of(turn)
        before = merged.get(role)
        if before is not None:
            turn = Turn(
                turn.role,
                turn.prompt if turn.prompt is not None else before.prompt,
                turn.fallback or before.fallback,
                {**before.overrides, **turn.overrides},
            )
        merged[role] = turn
    return list(merged.values())


def _dress(role: Mapping[str, Any], turn: Turn | None) -> Spoken:
    keys = {**role, **turn.overrides} if turn is not None else role
    prompt: Text | str = keys.get("prompt", "")
    if turn is not None and turn.prompt is not None:
        prompt = turn.prompt
    return Spoken(
        keys.get("begin", ""),
        prompt,
        keys.get("end", ""),
        bool(keys.get("generate", False)),
        keys.get("api_role", role["role"]),
    )
