"""A template text with its holes found once, so that filling it for a sample is one join.

All holes are filled in one pass over the template. A value is therefore never looked at again: braces inside
a question or an answer stay what they are, and no field can pull another field's text into the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

_HOLE = re.compile(r"\{([^{}]+)\}")


class Column:
    """A hole that one of the sample's columns fills."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Examples:
    """The hole that takes the block of in-context examples."""

    __slots__ = ()


EXAMPLES = Examples()
Piece = str | Column | Examples


class Text:
    """A template text: literal pieces, column holes and example holes.

    A hole whose column a sample does not have keeps its written form, since braces are also plain text.
    """

    __slots__ = ("_holes", "_pieces", "_slots", "literal", "pieces")

    def __init__(self, pieces: Iterable[Piece]) -> None:
        merged: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, str) and merged and isinstance(merged[-1], str):
                merged[-1] += piece
            elif piece != "":
                merged.append(piece)
        self.pieces: tuple[Piece, ...] = tuple(merged)
        self._pieces: list[str] = []
        self._slots: list[tuple[int, str]] = []
        self._holes: list[int] = []
        for at, piece in enumerate(self.pieces):
            if isinstance(piece, Column):
                self._slots.append((at, piece.name))
                self._pieces.append("{" + piece.name + "}")
            elif isinstance(piece, Examples):
                self._holes.append(at)
                self._pieces.append("")
            else:
                self._pieces.append(piece)
        self.literal: str | None = None if self._slots or self._holes else "".join(self._pieces)

    @property
    def takes_examples(self) -> bool:
        """Whether there is a hole for the block of examples."""
        return bool(self._holes)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all column holes, in order."""
        return tuple(name for _, name in self._slots)

    def fill(self, fields: Mapping[str, Any], examples: str = "") -> str:
        """The text for one sample."""
        if self.literal is not None:
            return self.literal
        out = self._pieces.copy()
        for at, name in self._slots:
            if name in fields:
                value = fields[name]
                out[at] = value if value.__class__ is str else str(value)
        for at in self._holes:
            out[at] = examples
        return "".join(out)

    def around_examples(self) -> list[Text | Examples]:
        """The same text cut at its example holes; empty texts between them are left out."""
        parts: list[Text | Examples] = []
        run: list[Piece] = []
        for piece in self.pieces:
            if isinstance(piece, Examples):
                if run:
                    parts.append(Text(run))
                    run = []
                parts.append(EXAMPLES)
            else:
                run.append(piece)
        if run:
            parts.append(Text(run))
        return parts


def compile_text(
    source: str,
    ice_token: str | None = None,
    drop: str | None = None,
    blank: Mapping[str, str] | None = None,
    literals: Collection[str] = (),
) -> Text:
    """Find the holes of a template text.

    `ice_token` marks the place of the examples, `drop` is a mark that is taken out, `blank` gives columns a
    fixed text (the reference, which must not be seen), `literals` are braced words that are no columns.
    """
    pieces: list[Piece] = []
    for number, chunk in enumerate(source.split(ice_token) if ice_token else (source,)):
        if number:
            pieces.append(EXAMPLES)
        if drop:
            chunk = chunk.replace(drop, "")
        at = 0
        for hole in _HOLE.finditer(chunk):
            name = hole.group(1)
            if name in literals:
                continue
            pieces.append(chunk[at : hole.start()])
            at = hole.end()
            if blank is not None and name in blank:
                pieces.append(blank[name])
            else:
                pieces.append(Column(name))
        pieces.append(chunk[at:])
    return Text(pieces)


def join_texts(parts: Iterable[Text | str]) -> Text:
    """One text made of several."""
    pieces: list[Piece] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
        else:
            pieces.extend(part.pieces)
    return Text(pieces)
