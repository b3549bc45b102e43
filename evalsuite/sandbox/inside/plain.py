"""Values of the code under test as tagged JSON: plain data only, in one pass, without importing a JSON
library.

Anything that is not plain data travels as its type's name and its truth value.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

try:
    from _json import encode_basestring_ascii as quote
except ImportError:  # an interpreter without the accelerator
    from json.encoder import py_encode_basestring_ascii as quote

# What is larger than this is not sent, or only by its type's name; the trusted side refuses it too.
DEEPEST = 200
LARGEST_INT = 1 << 22  # bits
LONGEST_RANGE = 1 << 22  # steps
LONGEST_DECIMAL = 1000  # digits, and the exponent
WIDEST_FRACTION = 1 << 14  # bits, above and below
MOST_ITEMS = 1 << 23
_MANY = 1 << 14
_DRAINED = 100_000
_BIG = 1 << 62
_SEVERAL = 16
_NUMBERS = frozenset((int, float))
_EMPTY: dict[Any, Any] = {}
_DRAINABLE: tuple[Any, ...] = (
    iter([]), iter(()), iter(_EMPTY), iter(set()), iter(""), iter(range(0)), map(str, ()), zip(),
    filter(None, ()), reversed([]), enumerate(()), (None for _ in _EMPTY), iter(_EMPTY.values()),
    iter(_EMPTY.items()),
)  # fmt: skip
_TIMES = {
    "date": ("year", "month", "day"),
    "datetime": ("year", "month", "day", "hour", "minute", "second", "microsecond", "fold"),
    "time": ("hour", "minute", "second", "microsecond", "fold"),
    "timedelta": ("days", "seconds", "microseconds"),
}
_ITERATORS = frozenset(type(iterator) for iterator in _DRAINABLE)


class TooDeep(ValueError):
    """The value is nested deeper than will be sent."""


class TooLarge(ValueError):
    """The value is larger than will be sent."""


def encode(value: Any, depth: int = 0) -> str:
    """One value as JSON text; lists, strings, small numbers, booleans and None are bare, the rest is {tag:
    ...}.
    """
    kind = type(value)
    if kind is int:
        return int.__repr__(value) if -_BIG < value < _BIG else _big(value)
    if kind is str:
        return quote(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        return _float(value)
    if depth > DEEPEST:
        raise TooDeep(f"nested deeper than {DEEPEST}")
    depth += 1
    if (kind is list or kind is tuple) and len(value) > _MANY:
        _refuse_too_many(value)
    if kind is list:
        return f"[{_items(value, depth)}]"
    if kind is tuple:
        return f'{{"t":[{_items(value, depth)}]}}'
    if kind is dict:
        return _mapping(value, depth)
    maker = _MAKERS.get(kind)
    if maker is not None:
        return maker(value, depth)
    return _unusual(value, depth)


def _items(value: Sequence[Any], depth: int) -> str:
    """The items of a list or tuple; many plain numbers are put into words at once, as they are their own."""
    numbers = len(value) > _SEVERAL and _NUMBERS.issuperset(map(type, value))
    if numbers and min(value) > -_BIG and max(value) < _BIG:
        text = type(value).__repr__(value)
        if "n" not in text:  # nan and inf have other words
            return text[1:-1].replace(" ", "")
    return ",".join([encode(item, depth) for item in value])


def _refuse_too_many(rows: Sequence[Any]) -> None:
    """What cannot fit is refused before all of it is put into words: each item takes a sign and a comma."""
    if sum([len(row) for row in rows if type(row) is list or type(row) is tuple]) > MOST_ITEMS:
        raise TooLarge("the result is too large to send")


def _big(value: int) -> str:
    if value.bit_length() > LARGEST_INT:
        raise TooLarge("the result is too large to send")
    return f'{{"i":"{value:x}"}}'


def _float(value: float) -> str:
    text = float.__repr__(value)
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(text, text)


def _mapping(value: dict[Any, Any], depth: int, tag: str = "d") -> str:
    pairs = [f"[{encode(key, depth)},{encode(item, depth)}]" for key, item in dict.items(value)]
    return f'{{"{tag}":[' + ",".join(pairs) + "]}"


def _sequence(tag: str) -> Callable[[Any, int], str]:
    def make(value: Any, depth: int) -> str:
        return f'{{"{tag}":[' + ",".join([encode(item, depth) for item in value]) + "]}"

    return make


_MAKERS: dict[type, Callable[[Any, int], str]] = {
    set: _sequence("s"),
    frozenset: _sequence("z"),
    bytes: lambda value, depth: f'{{"b":"{value.hex()}"}}',
    bytearray: lambda value, depth: f'{{"B":"{value.hex()}"}}',
    complex: lambda value, depth: f'{{"c":[{_float(value.real)},{_float(value.imag)}]}}',
    range: lambda value, depth: _range(value),
    type(Ellipsis): lambda value, depth: '{"e":0}',
    type(_EMPTY.keys()): _sequence("k"),
    type(_EMPTY.values()): _sequence("v"),
    type(_EMPTY.items()): lambda value, depth: _mapping(dict(value), depth, "p"),
    type(type.__dict__): lambda value, depth: _mapping(dict(value), depth),
}


def _range(value: range) -> str:
    parts = (value.start, value.stop, value.step)
    if abs(value.stop - value.start) > LONGEST_RANGE * abs(value.step) or max(map(abs, parts)) >= _BIG:
        return _by_name(value)
    return '{"r":[%d,%d,%d]}' % parts  # noqa: UP031


def _by_name(value: Any) -> str:
    """What is not plain data: its type's name and its truth value."""
    try:
        truth = "true" if value else "false"
    except Exception:  # its truth value is the code's own business
        truth = "null"
    return f'{{"o":[{quote(str(type(value).__name__))},{truth}]}}'


def _unusual(value: Any, depth: int) -> str:
    """Subclasses as what they derive from, a few library types, known iterators drained, the rest by name."""
    kind = type(value)
    name, module = kind.__name__, getattr(kind, "__module__", "")  # type() in a bare `exec` sets none
    if isinstance(value, dict):
        return _mapping(value, depth)
    if isinstance(value, list):
        return encode(list(list.__iter__(value)), depth)
    if isinstance(value, tuple):
        return encode(tuple(tuple.__iter__(value)), depth)
    if isinstance(value, int):
        return encode(int.__index__(value), depth)
    if isinstance(value, float):
        return _float(float.__float__(value))
    if isinstance(value, str):
        return quote(str.__str__(value))
    if isinstance(value, frozenset):
        return encode(frozenset(frozenset.__iter__(value)), depth)
    if isinstance(value, set):
        return encode(set(set.__iter__(value)), depth)
    if module == "collections" and name == "deque":
        return '{"q":[' + ",".join([encode(item, depth) for item in value]) + "]}"
    if module == "collections" and name in ("ChainMap", "UserDict"):
        return _mapping(dict(value), depth)  # equal to the dict of the same content, as the next two are
    if module == "collections" and name == "UserList":
        return encode(list(value), depth)
    if module == "collections" and name == "UserString":
        return quote(str(value))
    if module == "decimal" and name == "Decimal":
        text = str(value)
        small = (
            len(text) <= LONGEST_DECIMAL and abs(value.adjusted()) <= LONGEST_DECIMAL and not value.is_snan()
        )
        return '{"D":' + quote(text) + "}" if small else _by_name(value)
    if module == "fractions" and name == "Fraction":
        above, below = value.numerator, value.denominator
        if max(above.bit_length(), below.bit_length()) > WIDEST_FRACTION:
            return _by_name(value)
        return f'{{"F":[{encode(above)},{encode(below)}]}}'
    if module == "datetime" and name in _TIMES and getattr(value, "tzinfo", None) is None:
        parts = [encode(getattr(value, part), depth) for part in _TIMES[name]]
        return f'{{"T":["{name}",{",".join(parts)}]}}'
    if module.partition(".")[0] == "numpy" and not getattr(value, "shape", (1,)):
        return encode(value.item(), depth)
    if kind in _ITERATORS or module == "itertools":
        items: list[str] = []
        for item in value:
            if len(items) >= _DRAINED:
                break
            items.append(encode(item, depth))
        return '{"I":[' + ",".join(items) + "]}"
    return _by_name(value)


def describe_error(error: BaseException) -> str:
    """An exception as its class names, nearest first, and its message."""
    names = ",".join([quote(kind.__name__) for kind in type(error).__mro__[:8]])
    try:
        text = str(error)[:400]
    except BaseException:  # a message that cannot be made must not hide the error itself
        text = ""
    return f"[{names}],{quote(text)}"


def without_surrogates(text: str) -> bytes:
    """Text for a byte stream, whatever it holds."""
    return text.encode(sys.getdefaultencoding(), "backslashreplace")
