"""API keys: where they come from, whose turn it is, which are refused or resting. They are never shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from evalsuite.errors import UserError

DEFAULT_VARIABLE = "OPENAI_API_KEY"


class KeyRing:
    """The keys of one model, used in turn.

    A key that the server refuses is dropped; one whose rate is used up rests until its time comes. `key` in a
    config is 'ENV' (the variable OPENAI_API_KEY), 'ENV:NAME', 'file:PATH' (one key per line), the key
    itself, or a list of these. Loopback servers need none, so an unset OPENAI_API_KEY is no error in
    itself.
    """

    def __init__(self, key: str | Sequence[str], where: str, variable: str = DEFAULT_VARIABLE) -> None:
        self._where = where
        named = [key] if isinstance(key, str) else list(key)
        self._keys = list(dict.fromkeys(found for name in named for found in self._read(name, variable)))
        self._all = tuple(self._keys)
        self._rest: dict[str, float] = {}
        self._proven: set[str] = set()
        self._turn = 0

    def __repr__(self) -> str:
        return f"KeyRing({len(self._keys)} keys)"

    def __reduce__(self) -> str:
        raise TypeError("keys are not pickled")

    def __len__(self) -> int:
        return len(self._keys)

    def next(self, now: float) -> tuple[str, float]:
        """The next key in turn that is not resting, and how long it still rests if all do."""
        if not self._keys:
            return "", max(0.0, self._rest.get("", 0.0) - now)
        self._turn += 1
        order = [self._keys[(self._turn + step) % len(self._keys)] for step in range(len(self._keys))]
        for key in order:
            if self._rest.get(key, 0.0) <= now:
                return key, 0.0
        key = min(order, key=lambda one: self._rest[one])
        return key, self._rest[key] - now

    def usable(self, key: str, now: float) -> bool:
        """Whether this key is neither dropped nor resting."""
        return (key in self._keys or not key) and self._rest.get(key, 0.0) <= now

    def rest(self, key: str, until: float) -> None:
        """The server asked to leave this key alone until then."""
        self._rest[key] = max(until, self._rest.get(key, 0.0))

    def drop(self, key: str) -> bool:
        """The server refuses this key; whether another one is left."""
        if key in self._keys:
            self._keys.remove(key)
        return bool(self._keys)

    def accepted(self, key: str) -> None:
        """A call with this key was answered."""
        self._proven.add(key)

    def is_proven(self, key: str) -> bool:
        """Whether this key was ever accepted."""
        return key in self._proven

    def redact(self, text: str) -> str:
        """A text from outside without any of our keys in it."""
        for key in self._all:
            if len(key) >= 4:
                text = text.replace(key, "***")
        return text

    def _read(self, name: str, variable: str) -> list[str]:
        if name == "ENV":
            return _split(os.environ.get(variable, ""))
        if name.startswith("ENV:"):
            found = _split(os.environ.get(name[4:], ""))
            if not found:
                raise UserError(
                    f"the environment variable {name[4:]} is not set", where=f"{self._where}, key"
                )
            return found
        if name.startswith("file:"):
            path = Path(name[5:]).expanduser()
            if not path.is_file():
                raise UserError(f"no key file {path}", where=f"{self._where}, key")
            return _split(path.read_text(encoding="utf-8"))
        if name in ("", "EMPTY"):
            return []
        if any(character.isspace() for character in name):
            raise UserError("a key with white space in it", where=f"{self._where}, key", expected="one key")
        return [name]


def _split(text: str) -> list[str]:
    """Several keys may stand in one variable or file, separated by commas or lines."""
    return [key.strip() for key in text.replace("\n", ",").split(",") if key.strip()]
