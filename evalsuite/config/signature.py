"""What a class accepts, read from its constructor: the base for telling a typo from a key."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.util import find_spec
from typing import Annotated, Any

from evalsuite.bounds import Above, AtLeast
from evalsuite.config.secrets import HIDDEN, is_secret_key
from evalsuite.errors import UserError, nearest_name
from evalsuite.types import EMPTY


def missing_packages(factory: Any) -> list[str]:
    """The packages of a class's `needs` that are not installed; none of them is imported."""
    return [name for name in getattr(factory, "needs", ()) if find_spec(name) is None]


def check_keywords(
    factory: Callable[..., Any],
    given: Mapping[str, Any],
    where: str,
    *,
    others: Collection[str] = (),
    supplied: Collection[str] = (),
    replaced: Mapping[str, str] = EMPTY,
) -> list[UserError]:
    """What is wrong with a dict as the keywords of a class.

    `others` are keys that somebody else reads; `supplied` are parameters that the program fills in itself;
    `replaced` says what to write for keys that another program has.
    """
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # a class written in C says nothing of itself
        return []
    hints = hints_of(factory)
    named = {
        name: parameter
        for name, parameter in parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    errors: list[UserError] = []
    for key, value in given.items():
        if key in named:
            if key in hints and not fits(value, hints[key]):
                errors.append(
                    UserError(
                        f"{shown(key, value)} is wrong",
                        where=f"{where}.{key}",
                        expected=describe(hints[key]),
                        nearest=_nearest_value(value, hints[key]),
                    )
                )
        elif key not in others and not takes_all:
            known = [name for name in (*named, *others) if name != "self"]
            instead = replaced.get(key, "")
            own = ", ".join(sorted(set(named) - set(supplied))) or "no keys of its own"
            errors.append(
                UserError(
                    f"unknown key {key!r}",
                    where=f"{where}.{key}",
                    expected=instead or own,
                    nearest="" if instead else nearest_name(key, known),
                )
            )
    for name, parameter in named.items():
        if parameter.default is parameter.empty and name not in given and name not in supplied:
            errors.append(
                UserError(
                    f"the key {name!r} is missing",
                    where=where,
                    expected=f"{name}={describe(hints[name])}" if name in hints else f"a value for {name}",
                )
            )
    return errors


def _nearest_value(value: Any, hint: Any) -> str:
    """The word that a mistyped one most likely meant, where a type is a choice of words."""
    if not isinstance(value, str):
        return ""
    parts = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    words = [
        word for part in parts if typing.get_origin(part) is typing.Literal for word in typing.get_args(part)
    ]
    return nearest_name(value, [word for word in words if isinstance(word, str)])


def shown(key: str, value: Any) -> str:
    """A value in a message: short, and hidden where its key says that it is secret."""
    return HIDDEN if is_secret_key(key, in_model=True) else f"{value!r:.60}"


def hints_of(factory: Any) -> dict[str, Any]:
    """The types of a class's keywords, as far as they can be found out."""
    target = getattr(factory, "__init__") if isinstance(factory, type) else factory  # noqa: B009
    try:
        return typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError, AttributeError):  # names that exist for type checkers only
        return {}


def fits(value: Any, hint: Any) -> bool:
    """Whether plain data can be a value of this type; what is not understood is let through."""
    if isinstance(value, dict) and "$secret" in value:
        return True
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in arguments)
    if origin is Annotated:
        return fits(value, arguments[0]) and all(
            limit.allows(value) for limit in arguments[1:] if isinstance(limit, (AtLeast, Above))
        )
    if origin is typing.Literal:
        return value in arguments
    kind = origin or hint
    if hint is None or kind is type(None):
        return value is None
    if kind is bool:
        return isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is str:
        return isinstance(value, str)
    if not isinstance(kind, type):
        return True
    if issubclass(kind, Mapping):
        return isinstance(value, Mapping)
    if kind in (list, tuple, set, frozenset) or issubclass(kind, Sequence):
        inner = arguments[0] if arguments else Any
        return isinstance(value, (list, tuple)) and all(fits(item, inner) for item in value)
    return True


def describe(hint: Any) -> str:
    """A type in words that a user of configs knows."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(describe(part) for part in arguments))
    if origin is Annotated:
        limits = (str(limit) for limit in arguments[1:] if isinstance(limit, (AtLeast, Above)))
        return " ".join((describe(arguments[0]), *limits))
    if origin is typing.Literal:
        return " or ".join(map(repr, arguments))
    names = {
        int: "a whole number",
        float: "a number",
        str: "text",
        bool: "True or False",
        type(None): "None",
    }
    kind = origin or hint
    if kind in names:
        return names[kind]
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return "a dict"
    if isinstance(kind, type) and issubclass(kind, (Sequence, set, frozenset)):
        several = {int: "whole numbers", float: "numbers", str: "texts"}
        items = several.get(arguments[0], "") if arguments else ""
        return f"a list of {items}" if items else "a list"
    return getattr(hint, "__name__", str(hint))
