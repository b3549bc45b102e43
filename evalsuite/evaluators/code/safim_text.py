"""SAFIM's rules over texts: where an answer ends, when two outputs agree. Pure functions.

The ends are those of the benchmark's own post-processing. Where that one asks a grammar of C++, Java or C#,
brackets and the end of the last statement are looked at here; Python is asked by its grammar.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from decimal import Decimal, localcontext

HOLE = "{{completion}}"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?")
_ANSWERS = frozenset(("yes", "no", "true", "false"))
_NEAR = Decimal("1e-12")
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
    lines = line_feeds(text).splitlines(keepends=True)
    before, after = line_feeds(before), line_feeds(after)
    if language == "python":
        fits = _PythonFit(before, after)
        counts: Iterator[int] = iter(range(len(lines), 0, -1))
        return next((part for part in ("".join(lines[:count]) for count in counts) if fits(part)), "")
    while lines and not _whole_statements("".join(lines)):
        lines.pop()
    return "".join(lines)


class _PythonFit:
    """Whether statements fill the hole of a Python program and change nothing around it."""

    def __init__(self, before: str, after: str) -> None:
        self._before = before
        self._after = after
        self._around = self._shape("pass")

    def __call__(self, part: str) -> bool:
        shape = self._shape(part)
        return shape is not None and shape == self._around

    def _shape(self, part: str) -> str | None:
        """The program's tree with one `pass` for each run of statements in the hole."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(self._before + part + self._after)
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


def _whole_statements(text: str) -> bool:
    """Whether a text of a braced language opens and closes its brackets and ends with a statement."""
    code = _LITERAL.sub(lambda found: " " if found[0].startswith(("//", "/*")) else '""', text)
    opened: list[str] = []
    for sign in code:
        if sign in "([{":
            opened.append(sign)
        elif sign in ")]}" and (not opened or opened.pop() != _PAIRS[sign]):
            return False
    code = code.rstrip()
    return not opened and (not code or code.endswith((";", "}", ":")))


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
            return abs(Decimal(one) - Decimal(two)) <= _NEAR
    return one.lower() in _ANSWERS and one.lower() == two.lower()
