"""Turns what a Python config holds into plain data, and says by key path what cannot be kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import PurePath
from types import ModuleType
from typing import Any

from evalsuite.errors import UserError

Reference = Callable[[Any], "str | None"]


class Plainer:
    """Walks a value and collects one error per thing that is not data.

    `reference` names objects that stand for an import (mmengine's lazy objects), and gives None for others.
    """

    def __init__(self, file: str, reference: Reference) -> None:
        self.file = file
        self.reference = reference
        self.errors: list[UserError] = []

    def plain(self, value: Any, where: str) -> Any:
        """The value as dicts, lists, strings, numbers, booleans and None; keys of dicts become strings."""
        if value is None or isinstance(value, (str, bool, int, float)):
            return value
        if isinstance(value, dict):
            return self._dict(value, where)
        if isinstance(value, (list, tuple, range)):
            return [self.plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
        if isinstance(value, PurePath):
            return str(value)
        named = self.reference(value)
        if named is None and (isinstance(value, type) or callable(value)):
            named = _importable_name(value)
        if named is None:
            self.errors.append(_refusal(value, f"{self.file}: {where}"))
        return named

    def _dict(self, value: dict[Any, Any], where: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        # dict.items, since mmengine's own dict imports lazy objects when its items are taken.
        for key, item in dict.items(value):
            name = key if isinstance(key, str) else str(key)
            inner = f"{where}.{name}" if name.isidentifier() else f"{where}[{key!r}]"
            if not isinstance(key, (str, int, float)):
                self.errors.append(
                    UserError(
                        f"a key of type {type(key).__name__} cannot be kept",
                        where=f"{self.file}: {inner}",
                        expected="a string or a number",
                    )
                )
            elif name == "_delete_":
                self.errors.append(
                    UserError(
                        "`_delete_` has no effect in a config with read_base()",
                        where=f"{self.file}: {inner}",
                        expected="an assignment, such as model['key'] = dict(...)",
                    )
                )
            elif name in result:
                self.errors.append(
                    UserError(
                        f"two keys read {name!r} once they are strings",
                        where=f"{self.file}: {inner}",
                        expected="keys that differ as text",
                    )
                )
            else:
                result[name] = self.plain(item, inner)
        return result


def _importable_name(value: Any) -> str | None:
    """`module.name` of a class or function when importing that name gives the same object again."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    if not module or not name:
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not value:
        return None
    return str(name) if module == "builtins" else f"{module}.{name}"


def _refusal(value: Any, where: str) -> UserError:
    if isinstance(value, ModuleType):
        return UserError(f"the module {value.__name__!r} is not a value", where=where, expected="plain data")
    if callable(value):
        kind = "class" if isinstance(value, type) else "function"
        name = getattr(value, "__name__", type(value).__name__)
        what = "a lambda" if name == "<lambda>" else f"the {kind} {name!r}, defined in the config,"
        return UserError(
            f"{what} cannot be handed to a worker",
            where=where,
            expected="one imported from a .py file (it may lie beside the config)",
        )
    return UserError(
        f"a value of type {type(value).__name__} cannot be kept",
        where=where,
        expected="dict, list, string, number, True, False or None",
    )
