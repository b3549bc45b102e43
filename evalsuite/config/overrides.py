"""`--cfg-options a.b=c`: single values of a config changed from the command line."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from typing import Any

from evalsuite.config.spec import EXTRA_SECTIONS, SECTIONS, PlainDict
from evalsuite.errors import UserError, nearest_name

FLAG = "--cfg-options"


def apply(sections: PlainDict, overrides: Sequence[str]) -> None:
    """Change the sections of a config in place.

    A path is written `models.0.batch_size` or `models[0].batch_size`; `*` stands for every entry of a list.
    """
    for text in overrides:
        path, sign, value = text.partition("=")
        parts = [part for part in path.replace("[", ".").replace("]", "").split(".") if part]
        if not sign or not parts:
            raise UserError(f"{text!r} sets nothing", where=FLAG, expected="key.path=value")
        known = (*SECTIONS, *EXTRA_SECTIONS)
        if parts[0] not in known:
            raise UserError(
                f"a config has no section {parts[0]!r}",
                where=f"{FLAG} {text}",
                expected=f"one of {', '.join(SECTIONS)}",
                nearest=nearest_name(parts[0], known),
            )
        _set(sections, parts, parse_value(value), f"{FLAG} {text}")


def parse_value(text: str) -> Any:
    """What a value on the command line means: a Python or JSON literal if it is one, else the text itself."""
    for read in (ast.literal_eval, json.loads):
        try:
            value = read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        return _lists(value)
    return text


def _lists(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_lists(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _lists(item) for key, item in value.items()}
    if value is ...:
        return "..."
    return str(value) if isinstance(value, (set, bytes, complex)) else value


def _set(target: Any, parts: Sequence[str], value: Any, where: str) -> None:
    head, rest = parts[0], parts[1:]
    if isinstance(target, list):
        for i in _positions(target, head, where):
            if rest:
                _set(target[i], rest, value, where)
            else:
                target[i] = value
        return
    if not isinstance(target, dict):
        raise UserError(
            f"{head!r} is no key of {target!r:.60}",
            where=where,
            expected="a path that leads into dicts and lists",
        )
    if head not in target:
        nearest = nearest_name(head, target)
        if nearest and _is_slip(head, nearest):
            raise UserError(f"there is no key {head!r}", where=where, nearest=nearest)
        if rest:
            target[head] = {}
    if rest:
        _set(target[head], rest, value, where)
    else:
        target[head] = value


def _is_slip(one: str, other: str) -> bool:
    """Whether a new key is a known one mistyped (max_out_le) and not its sibling (max_seq_len)."""
    parts, others = one.split("_"), other.split("_")
    if len(parts) != len(others):
        return True
    return all(a == b or nearest_name(a, [b]) for a, b in zip(parts, others, strict=True))


def _positions(target: list[Any], head: str, where: str) -> list[int]:
    if head == "*":
        return list(range(len(target)))
    if not head.removeprefix("-").isdecimal():
        abbrs = [str(item.get("abbr")) for item in target if isinstance(item, dict)]
        if head in abbrs:
            return [abbrs.index(head)]
        raise UserError(
            f"{head!r} is no place in a list of {len(target)}",
            where=where,
            expected="a number, an abbr, or * for all",
            nearest=nearest_name(head, abbrs),
        )
    if not -len(target) <= int(head) < len(target):
        raise UserError(
            f"there is no entry {head} in a list of {len(target)}",
            where=where,
            expected=f"0 to {len(target) - 1}",
        )
    return [int(head) % len(target)]
