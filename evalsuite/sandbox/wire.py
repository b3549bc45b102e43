"""The trusted side of the protocol: plain data out, strictly decoded plain data in.

Nothing that arrives is executed, unpickled or looked up by name; frames, nesting and kinds are limited. So is
what a small frame could cost whoever works on its values: numbers made to collide in a set, ranges and
exponents without end.
"""

from __future__ import annotations

import builtins
import datetime
import json
import marshal
import re
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any

from evalsuite.sandbox.inside.plain import (
    DEEPEST,
    LARGEST_INT,
    LONGEST_DECIMAL,
    LONGEST_RANGE,
    WIDEST_FRACTION,
)

MAX_FRAME = 16 << 20
_MAX_RANGE = 1 << 62
_DEEPEST = 3 * DEEPEST  # brackets of a frame: a value takes up to two, a pair of a dictionary one more
_MOST_ALIKE = 1100  # of honest values, powers of two and tuples of -1 and -2 have most
_MOST_HASHED = 50_000_000  # members of tuples within tuples, which are hashed once for each tuple around them
_LONG_TUPLE = 1000
_MOST_DEQUES = 100_000  # an empty one takes 600 bytes
_LONG = b"0" * 20
_ZEROS = bytes(48 if 48 <= byte < 58 else byte for byte in range(256))
_STEPS = [{"[": 1, "{": 1, "]": -1, "}": -1}.get(chr(byte), 0) for byte in range(256)]
_NO_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')


class ProtocolError(Exception):
    """The process inside said something that its own code never says."""


class Unsendable(TypeError):
    """Arguments that are not plain data cannot be sent to the code under test."""


class Opaque:
    """Stands for a value that is not plain data: its type's name and truth value, equal to nothing but
    itself.
    """

    def __init__(self, type_name: str, truth: bool | None) -> None:
        self.type_name = type_name
        self.truth = truth

    def __bool__(self) -> bool:
        if self.truth is None:
            raise TypeError(f"the truth value of a {self.type_name} could not be told")
        return self.truth

    def __repr__(self) -> str:
        return f"<{self.type_name} object, not plain data>"


class RemoteError(Exception):
    """The code under test raised an exception of its own making."""


def pack(message: Any) -> bytes:
    """One frame towards the inside."""
    try:
        data = marshal.dumps(message, 2)
    except ValueError:
        data = marshal.dumps(_plain(message), 2)
    return len(data).to_bytes(4, "little") + data


def _plain(value: Any, depth: int = 0) -> Any:
    """The nearest plain data: marshal knows exact types only."""
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return value
    if depth > 400:
        raise Unsendable("arguments are nested too deeply")
    depth += 1
    if isinstance(value, dict):
        return {_plain(key, depth): _plain(item, depth) for key, item in value.items()}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return kind([_plain(item, depth) for item in value])
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        return complex(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if value is Ellipsis:
        return value
    raise Unsendable(f"a {type(value).__name__} cannot be sent to the code under test")


class _Crowd:
    """Values of one frame by their hash; too many different ones of the same hash are an attack.

    Hashes of text are salted, those of numbers and tuples are not: a set of a few hundred thousand made to
    collide stops this process for hours, in a call that nothing can interrupt.
    """

    def __init__(self) -> None:
        self._first: dict[int, Any] = {}
        self._more: dict[int, list[Any]] = {}
        self._long: dict[int, tuple[Any, int]] = {}
        self._hashed = 0

    def _weigh(self, value: tuple[Any, ...]) -> None:
        """A tuple does not remember its hash: many around one long one would each take as long as that."""
        members = len(value)
        if self._long:
            members += sum(self._long[id(item)][1] for item in value if id(item) in self._long)
        if members > _LONG_TUPLE:
            self._long[id(value)] = value, members
            self._hashed += members
            if self._hashed > _MOST_HASHED:
                raise ProtocolError("not a frame: long tuples nested too deeply")

    def admit(self, value: Any) -> Any:
        """The value itself, if there are not too many like it."""
        if type(value) is tuple and (self._long or len(value) > _LONG_TUPLE):
            self._weigh(value)
        try:
            number = hash(value)
        except TypeError:
            return value  # no member of any set
        first = self._first.setdefault(number, value)
        if first is not value and first != value:
            alike = self._more.setdefault(number, [])
            if value not in alike:
                alike.append(value)
            if len(alike) >= _MOST_ALIKE:
                raise ProtocolError("not a frame: values made to collide")
        return value


class _Untagger:
    """Makes the values of one frame of their tagged form."""

    def __init__(self) -> None:
        self._admit = _Crowd().admit
        self._deques = 0

    def __call__(self, tagged: dict[str, Any]) -> Any:
        if len(tagged) != 1:
            raise ProtocolError("not a frame: not a tag")
        ((tag, value),) = tagged.items()
        make = _UNTAG.get(tag)
        if make is None:
            raise ProtocolError("not a frame: unknown tag")
        if tag == "q":
            self._deques += 1
            if self._deques > _MOST_DEQUES:
                raise ProtocolError("not a frame: too many deques")
        made = make(value)
        return self._admit(made) if tag in _UNSALTED else made


def unpack(data: bytes) -> list[Any]:
    """The content of one frame from the inside: a list that begins with a word."""
    try:
        if data.count(b"[") > DEEPEST and _depth(data) > _DEEPEST:
            raise ProtocolError("not a frame: nested too deeply")
        whole = _checked_int if _LONG in data.translate(_ZEROS) else None
        if whole is None and b"{" not in data:
            message = json.loads(data.decode("utf-8"))  # nothing to untag: no decoder of its own
        else:
            message = json.loads(data.decode("utf-8"), object_hook=_Untagger(), parse_int=whole)
    except ProtocolError:
        raise
    except (ValueError, TypeError, RecursionError, OverflowError, ArithmeticError, LookupError) as error:
        raise ProtocolError(f"not a frame: {type(error).__name__}") from error
    if type(message) is not list or not message or type(message[0]) is not str:
        raise ProtocolError("not a frame: no leading word")
    return message


def _depth(data: bytes) -> int:
    """How deep brackets are nested; what stands in quotes is no bracket."""
    if b"\\" not in data:
        data = data.translate(None, _NO_STRUCTURE)  # much the faster way, but it would tear escapes apart
    if b'"' in data:
        data = _QUOTED.sub(b"", data)
    structure = data.translate(None, _NO_STRUCTURE)
    return max(accumulate(map(_STEPS.__getitem__, structure)), default=0)


def _checked_int(text: str) -> int:
    if len(text) > 20:  # more than the code inside ever sends without a tag
        raise ProtocolError("not a frame: a number too large")
    return int(text)


def _items(value: Any) -> list[Any]:
    if type(value) is not list:
        raise ProtocolError("not a frame: a list was expected")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ProtocolError("not a frame: a whole number was expected")
    return value


def _range(value: Any) -> range:
    start, stop, step = (_whole(part) for part in _items(value))
    if max(abs(start), abs(stop), abs(step)) > _MAX_RANGE or abs(stop - start) > LONGEST_RANGE * abs(step):
        raise ProtocolError("not a frame: a range too large")
    return range(start, stop, step)


def _big(value: Any) -> int:
    if type(value) is not str or len(value) > LARGEST_INT // 4 + 2:
        raise ProtocolError("not a frame: a number too large")
    return int(value, 16)


def _complex(value: Any) -> complex:
    real, imaginary = _items(value)
    if type(real) is not float or type(imaginary) is not float:
        raise ProtocolError("not a frame: a complex number has two floats")
    return complex(real, imaginary)


def _opaque(value: Any) -> Opaque:
    name, truth = _items(value)
    if type(name) is not str or not (truth is None or type(truth) is bool):
        raise ProtocolError("not a frame: not an object")
    return Opaque(name[:100], truth)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ProtocolError("not a frame: text was expected")
    return value


def _decimal(value: Any) -> Decimal:
    text = _text(value)
    if len(text) > 2 * LONGEST_DECIMAL:
        raise ProtocolError("not a frame: a number too large")
    number = Decimal(text)
    if abs(number.adjusted()) > LONGEST_DECIMAL or number.is_snan():
        raise ProtocolError("not a frame: a number that cannot be compared")
    return number


def _fraction(value: Any) -> Fraction:
    above, below = (_whole(part) for part in _items(value))
    if max(above.bit_length(), below.bit_length()) > WIDEST_FRACTION:
        raise ProtocolError("not a frame: a fraction too large")
    return Fraction(above, below)


def _time(value: Any) -> Any:
    name, *parts = _items(value)
    numbers = [_whole(part) for part in parts]
    if name == "date":
        return datetime.date(*numbers)
    if name == "timedelta":
        return datetime.timedelta(*numbers)
    if name == "time":
        hour, minute, second, micro, fold = numbers
        return datetime.time(hour, minute, second, micro, fold=fold)
    if name != "datetime":
        raise ProtocolError("not a frame: no such time")
    year, month, day, hour, minute, second, micro, fold = numbers
    return datetime.datetime(year, month, day, hour, minute, second, micro, fold=fold)


_UNTAG: dict[str, Callable[[Any], Any]] = {
    "i": _big,
    "t": lambda value: tuple(_items(value)),
    # Comprehensions and not constructors: a deadline can stop bytecode.
    "d": lambda value: {key: item for key, item in map(_items, _items(value))},  # noqa: C416
    "s": lambda value: {item for item in _items(value)},  # noqa: C416
    "z": lambda value: frozenset(_items(value)),
    "b": lambda value: bytes.fromhex(_text(value)),
    "B": lambda value: bytearray.fromhex(_text(value)),
    "c": _complex,
    "r": _range,
    "e": lambda value: Ellipsis,
    "q": lambda value: deque(_items(value)),
    "D": _decimal,
    "F": _fraction,
    "I": lambda value: iter(_items(value)),
    "k": lambda value: {item: None for item in _items(value)}.keys(),  # noqa: C420
    "v": lambda value: dict(enumerate(_items(value))).values(),
    "p": lambda value: {key: item for key, item in map(_items, _items(value))}.items(),  # noqa: C416
    "T": _time,
    "o": _opaque,
}
_UNSALTED = frozenset("itzcrDFT")


def error_from(names: Any, message: Any) -> Exception:
    """The exception that the code under test raised, as the nearest built-in one of the same name."""
    if type(names) is not list or not names or any(type(name) is not str for name in names):
        raise ProtocolError("not a frame: an error without a name")
    if type(message) is not str:
        raise ProtocolError("not a frame: an error without a message")
    for name in names:
        kind = getattr(builtins, name, None)
        if kind is Exception or not (isinstance(kind, type) and issubclass(kind, Exception)):
            continue
        try:
            error = kind(message)
        except TypeError:
            continue  # it wants more than a message
        if name != names[0]:
            error.args = (f"{names[0]}: {message}",)
        return error
    return RemoteError(f"{names[0]}: {message}" if message else names[0])
