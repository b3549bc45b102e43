"""When EvalPlus takes a returned value for right: exact, near, or by a task's own oracle.

Two readings exist. "0.2.1" is the release that Qwen's published base figures were made with; "0.3.1" added
set oracles for eight MBPP tasks, two alternative formulas, type checks before near comparison, and longer
limits.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, Literal

from evalsuite.errors import UserError

Rules = Literal["0.2.1", "0.3.1"]
RULES: tuple[Rules, ...] = ("0.2.1", "0.3.1")
MIN_SECONDS: dict[Rules, float] = {"0.2.1": 1.0, "0.3.1": 4.0}
TIME_FACTOR = 4.0
TASK_SECONDS = 60.0
NOT_NONE = frozenset(("check_str", "text_match_three", "text_starta_endb"))
_MOST_COMPARED = 10_000_000
SET_EQUAL = frozenset(
    (
        *("similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum"),
        *("intersection_array", "find_dissimilar", "Diff"),
    )
)


def checked_rules(name: str) -> Rules:
    """The rules of that name, or an error that names those there are."""
    for rules in RULES:
        if name == rules:
            return rules
    raise UserError(f"there are no EvalPlus rules {name!r}", expected=" or ".join(RULES))


_INCOMPARABLE = (
    *(ArithmeticError, TypeError, ValueError, LookupError, AttributeError),
    *(RecursionError, MemoryError),  # too deep, too large
)


class Comparison:
    """Compares the values of one program with the expected ones, in order: a tolerance, once set, stays."""

    def __init__(self, rules: Rules, mbpp: bool, entry: str, tolerance: float) -> None:
        self._new = rules == "0.3.1"
        self._mbpp = mbpp
        self._entry = entry
        self._tolerance = tolerance

    def agrees(self, arguments: Sequence[Any], got: Any, wanted: Any) -> bool:
        """Whether one returned value is right; a comparison that cannot be made is a no."""
        try:
            return self._agrees(arguments, got, wanted)
        except _INCOMPARABLE:
            return False

    def _agrees(self, arguments: Sequence[Any], got: Any, wanted: Any) -> bool:
        exact = bool(got == wanted)
        if self._mbpp:
            exact = self._mbpp_exact(arguments, got, wanted, exact)
        elif self._entry == "find_zero":
            value = sum(c * math.pow(got, i) for i, c in enumerate(arguments[0]))
            if self._new:
                return bool(abs(value) <= self._tolerance)
            if not value <= self._tolerance:
                return False
        if self._tolerance == 0 and is_floats(wanted):
            self._tolerance = 1e-6
        if exact or self._tolerance == 0:
            return exact
        return self._near(got, wanted)

    def _mbpp_exact(self, arguments: Sequence[Any], got: Any, wanted: Any, exact: bool) -> bool:
        entry = self._entry
        if entry == "are_equivalent":
            return True
        if entry == "sum_div":
            return exact or bool(got == 0)
        if self._new and entry == "surface_Area":
            return exact or abs(got - pyramid_surface(*arguments)) <= self._tolerance
        if self._new and entry == "digit_distance_nums":
            return exact or bool(got == digit_distance(*arguments))
        if self._new and entry in SET_EQUAL:
            return set(got) == set(wanted)
        if entry in NOT_NONE:
            return bool(got == wanted) if isinstance(got, bool) else bool(wanted == (got is not None))
        return exact

    def _near(self, got: Any, wanted: Any) -> bool:
        import numpy

        if _has_text(got):
            return False  # no number, and numpy would give each item the room of the longest one
        if self._new:
            if type(got) is not type(wanted):
                return False
            if isinstance(wanted, (list, tuple)) and len(got) != len(wanted):
                return False
            return bool(numpy.allclose(got, wanted, rtol=1e-7, atol=self._tolerance))
        both = numpy.broadcast_shapes(numpy.shape(got), numpy.shape(wanted))
        if math.prod(both) > _MOST_COMPARED:
            return False  # small ones, spread over each other, would take all memory
        if numpy.size(got) == 0:
            return False  # numpy spreads a number over a list, and finds nothing wrong in an empty one
        try:
            numpy.testing.assert_allclose(got, wanted, atol=self._tolerance)
        except AssertionError:
            return False
        return True


def is_floats(value: Any) -> bool:
    """A float, or a list or tuple of nothing but floats."""
    if isinstance(value, float):
        return True
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(item, float) for item in value)


def _has_text(value: Any) -> bool:
    """Whether there is text or bytes among what numpy would take for the items of an array."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (str, bytes, bytearray)):
            return True
        if isinstance(item, (list, tuple, deque)):
            waiting.extend(item)
    return False


def pyramid_surface(base: float, height: float) -> int:
    """The surface of a square pyramid whose height is taken as perpendicular (Mbpp/581's other reading)."""
    slant = math.sqrt((base / 2) ** 2 + height**2)
    return round(base**2 + 4 * (base * slant) / 2)


def digit_distance(first: int, second: int) -> int:
    """The sum of digit differences of two numbers padded to one length (Mbpp/558's other reading)."""
    one, two = str(first), str(second)
    width = max(len(one), len(two))
    return sum(abs(int(a) - int(b)) for a, b in zip(one.zfill(width), two.zfill(width), strict=True))
