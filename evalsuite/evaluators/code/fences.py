"""Fenced blocks of code in a text, as models write them: not always closed, not always as Markdown has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r"([ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)?)(`{3,}|~{3,})[ \t]*([^`\n]*?)[ \t]*\n?")
_LANGUAGE = re.compile(r"\{?\.?([A-Za-z][\w+#-]*)")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language word and its content."""

    language: str
    code: str


class _Open:
    """The block at hand: its language, how far its fence is indented, and what was read of it."""

    def __init__(self, fence: re.Match[str]) -> None:
        word = _LANGUAGE.match(fence[3])
        self.language = word[1].lower() if word else ""
        self._indent = len(fence[1])
        self._mark = fence[2]
        self._lines: list[str] = []

    def take(self, line: str) -> bool:
        """Take one line; False when it closes the block, on a line of its own or behind the last code."""
        fence = _FENCE.fullmatch(line)
        if fence and fence[2].startswith(self._mark):
            return False
        bare = line.rstrip()
        if not fence and bare.endswith(self._mark) and bare.count(self._mark) == 1:
            self._lines.append(bare.removesuffix(self._mark) + "\n")
            return False
        self._lines.append(line)
        return True

    def block(self) -> Block:
        """The block, its content moved left as far as its fence was moved right."""
        lines = (line[min(self._indent, len(line) - len(line.lstrip(" \t"))) :] for line in self._lines)
        return Block(self.language, "".join(lines))


def blocks(text: str) -> list[Block]:
    """The fenced blocks in order; one that never closes goes on to the next opening fence, or to the end.

    A fence is three or more backticks or tildes, at any indentation or behind a list's bullet.
    """
    return list(_blocks(text))


def _blocks(text: str) -> Iterator[Block]:
    at_hand: _Open | None = None
    for line in _LINE.findall(text):
        fence = _FENCE.fullmatch(line)
        if at_hand is None:
            at_hand = _Open(fence) if fence else None
        elif not at_hand.take(line):
            yield at_hand.block()
            # A fence with a language cannot close a block: the one before was left open.
            at_hand = _Open(fence) if fence and _is_language(fence[3]) else None
    if at_hand is not None:
        yield at_hand.block()


def _is_language(info: str) -> bool:
    return re.fullmatch(r"\{?\.?[A-Za-z][\w+#-]*(?:[ \t:{=][^\n]*=[^\n]*)?\}?", info) is not None


def before_fence(text: str) -> str:
    """What stands before the first fence, where that is a bare one: the prompt may have opened the block."""
    for found in re.finditer(r"^[ \t]*(?:`{3,}|~{3,})[ \t]*(.*)$", text, re.MULTILINE):
        return "" if found[1].strip() else text[: found.start()]
    return ""
