"""SAFIM's rules over texts: where an answer ends, when two outputs agree. Pure functions.

The ends are those of the benchmark's own post-processing. Where that one asks a grammar of C++, Java or C#,
brackets and the end of the last statement are looked at here; Python is asked by its grammar.
"""

from __future__ import annotations

import ast
import re
from decimal import Decimal, Overflow, localcontext

from evalsuite import syntax
from evalsuite.evaluators.code.python_text import broken_line

HOLE = "{{completion}}"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?")
_ANSWERS = frozenset(("yes", "no", "true", "false"))
_NEAR = Decimal("1e-12")
_MOST_PARSED = 8_000_000
_LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)|@"(?:[^"]|"")*(?:"|\Z)|"(?:\\.|[^"\\\n])*(?:"|(?=\n)|\Z)|'(?:\\.|[^'\\\n])+'""",
    re.DOTALL,
)
_PAIRS = {")": "(", "]": "[", "}": "{"}


def line_feeds(text: str) -> str:
    """The text with line feeds for ends of lines."""
    return text.replace("\r\n", "\n")


def control_part(text: str, language: str) -> str:
    """The control expression at the beginning: a line in Python, else up to the parenthesis around it."""
    if language == "python":
        return next((line for line in text.splitlines() if line.strip()), "")
    depth = 0
    for at, sign in enumerate(_blind(text)):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return text[:at]
    return text


def call_part(text: str) -> str:
    """The first call: up to where its parentheses close."""
    depth = 0
    for at, sign in enumerate(_blind(text)):
        depth += (sign == "(") - (sign == ")")
        if sign == ")" and depth <= 0:
            return text[: at + 1]
    return text


def _blind(text: str) -> str:
    """The text with the inside of its literals and comments blanked out, at the same length."""
    return _LITERAL.sub(lambda found: "_" * len(found[0]), text)


def block_part(text: str, before: str, after: str, language: str) -> str:
    """As many lines from the beginning as are whole statements of the hole's block; nothing when none fit."""
    text = line_feeds(text)
    if language == "python":
        return _python_block(text, line_feeds(before), line_feeds(after))
    return text[: _whole_statements(text)]


def _python_block(text: str, before: str, after: str) -> str:
    """The longest beginning that fits; how much is parsed in all is bounded."""
    lines = text.splitlines(keepends=True)
    fits = _PythonFit(before, after)
    head = before.count("\n")
    count, left = len(lines), _MOST_PARSED
    while fits.possible and count > 0 and left > 0:
        part = "".join(lines[:count])
        left -= len(before) + len(part) + len(after)
        if fits(part):
            return part
        # No longer part can be Python than up to where this one stops being it.
        broken = broken_line(before + part)
        count = min(count - 1, broken - head - 1) if broken and broken > head else count - 1
    return ""


class _PythonFit:
    """Whether statements fill the hole of a Python program and change nothing around it."""

    def __init__(self, before: str, after: str) -> None:
        self._before = before
        self._after = after
        self._around = self._shape("pass")
        self.possible = self._around is not None

    def __call__(self, part: str) -> bool:
        shape = self._shape(part)
        return shape is not None and shape == self._around

    def _shape(self, part: str) -> str | None:
        """The program's tree with one `pass` for each run of statements in the hole."""
        try:
            tree = syntax.module(self._before + part + self._after)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        start, end = _place(self._before), _place(self._before + part)
        for node in ast.walk(tree):
            for name, value in ast.iter_fields(node):
                if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                    setattr(node, name, _without(value, start, end))
        return ast.dump(tree)


def _place(text: str) -> tuple[int, int]:
    return text.count("\n") + 1, len(text.rpartition("\n")[2].encode("utf-8", "surrogatepass"))


def _without(statements: list[ast.stmt], start: tuple[int, int], end: tuple[int, int]) -> list[ast.stmt]:
    kept: list[ast.stmt] = []
    inside = False
    for each in statements:
        last = (each.end_lineno or each.lineno, each.end_col_offset or 0)
        was, inside = inside, (each.lineno, each.col_offset) >= start and last <= end
        if not inside:
            kept.append(each)
        elif not was:
            kept.append(ast.Pass())
    return kept


def _whole_statements(text: str) -> int:
    """How far a text of a braced language goes in whole lines that close all brackets and end a statement."""
    opened: list[str] = []
    last, best, place = "", 0, 0

    def ends_well() -> bool:
        return not opened and last in ("", ";", "}", ":")

    for literal in (*_LITERAL.finditer(text), None):
        for at in range(place, literal.start() if literal else len(text)):
            sign = text[at]
            if sign in "([{":
                opened.append(sign)
            elif sign in ")]}" and (not opened or opened.pop() != _PAIRS[sign]):
                return best
            last = last if sign.isspace() else sign
            if sign == "\n" and ends_well():
                best = at + 1
        if literal is None:
            break
        place = literal.end()
        if not literal[0].startswith(("//", "/*")):
            last = '"'
        elif ends_well() and "\n" in literal[0]:
            best = literal.start() + literal[0].rindex("\n") + 1
    return len(text) if ends_well() else best


def same_output(got: str, wanted: str) -> bool:
    """Equality line by line; else word by word, numbers up to 1e-12 and yes, no, true, false in any case."""
    ours, theirs = ([line.strip() for line in text.strip().split("\n")] for text in (got, wanted))
    if ours == theirs:
        return True
    words, others = got.split(), wanted.split()
    return len(words) == len(others) and all(map(_same_word, words, others))


def _same_word(one: str, two: str) -> bool:
    if one == two:
        return True
    if _NUMBER.fullmatch(one) and _NUMBER.fullmatch(two):
        with localcontext() as context:
            context.prec = 50
            context.traps[Overflow] = False  # a number of a million digits is only another one
            return abs(Decimal(one) - Decimal(two)) <= _NEAR
    return one.lower() in _ANSWERS and one.lower() == two.lower()
