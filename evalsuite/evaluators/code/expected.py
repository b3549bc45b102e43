"""What the reference solution returns, and how long it takes: computed once, kept by content.

Reference solutions run in the sandbox as well. The values are kept in the user's cache under a hash of all
that determines them, so that a second grading of the same benchmark starts at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import marshal
import os
import platform
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalsuite.evaluators.code.values import Values, packed, unpacked

if TYPE_CHECKING:
    from evalsuite.sandbox import CallResult, Sandbox

_log = logging.getLogger(__name__)

_FORMAT = "8"
_SLOW = ".seconds"
_NOTED_SECONDS = 0.1
"""References that take so long have a note of it beside their values."""

_HASH_SEED = 1
"""Of the references' process. EvalPlus keeps their values from an earlier process, in which texts have other
hashes than in that of the answers; so what hangs on the order of a set of texts is not the same twice.
"""

_HELD_BYTES = 32 << 20  # of values as they are stored

# The reference is trusted, so it may be timed by its own process.
_TIMER = """
def _timed_(*arguments):
    from time import process_time
    start = process_time()
    value = ENTRY(*arguments)
    return value, process_time() - start
"""

# Equal values have equal digests, whatever their types: 2 and 2.0 are one number. In pieces, for the memory;
# and tuples of texts, which are what grows large, joined instead of told one by one.
_TELLING = """
def _text_(value, plain=frozenset((int, str, type(None)))):
    if type(value) in plain:
        return repr(value)
    if isinstance(value, float):
        return repr(int(value) if value.is_integer() else float(f"{value:.12g}"))
    if isinstance(value, int):
        return repr(int(value))
    if isinstance(value, (list, tuple)):
        inner = repr([*value]) if plain.issuperset(map(type, value)) else f"[{', '.join(map(_text_, value))}]"
        return ("list" if isinstance(value, list) else "tuple") + inner
    if isinstance(value, (set, frozenset)):
        return f"set{sorted(map(_text_, value))}"
    if isinstance(value, dict):
        return f"dict{sorted((_text_(key), _text_(value[key])) for key in value)}"
    return repr(value)

def _rows_(rows):
    if all(issubclass(kind, tuple) for kind in set(map(type, rows))):
        try:
            text = "\\0".join(map("\\0".join, rows))
        except TypeError:
            return _text_(rows)
        lengths = [*map(len, rows)]
        if text.count("\\0") == sum(lengths) + lengths.count(0) - 1:
            return f"texts{lengths}{text}"
    return _text_(rows)

def digest(value):
    from hashlib import sha256
    rows = isinstance(value, (list, tuple))
    told = sha256(f"{isinstance(value, list)} {len(value)}".encode() if rows else b"")
    for at in range(0, len(value) if rows else 1, 4096):
        text = _rows_(value[at : at + 4096]) if rows else _text_(value)
        told.update(text.encode("utf-8", "surrogatepass"))
    return told.hexdigest()
"""
# Among names of its own: a program may well call something of its own `sum`.
_DIGEST = f"""
_telling_ = {{}}
exec({_TELLING!r}, _telling_)

def _digest_(*arguments):
    return _telling_["digest"](ENTRY(*arguments))
"""


@dataclass(frozen=True)
class Expected:
    """The reference's value for each call, and its processor seconds: the most that were seen.

    Where a value is too large to be carried out, it is represented by its digest: then `entry` of `wrapper`,
    behind the program, is to be called in place of the function.
    """

    values: Values
    seconds: tuple[float, ...]
    entry: str = ""
    wrapper: str = ""

    def some(self, chosen: Sequence[int]) -> Expected:
        """The same of some calls."""
        seconds = tuple(self.seconds[at] for at in chosen)
        return replace(self, values=self.values.some(chosen), seconds=seconds)


class BrokenReference(Exception):
    """The reference solution of a benchmark fails on one of its own inputs here."""


def _too_large(result: CallResult) -> bool:
    """Whether a value could not be carried out for its size, or those so far together."""
    from evalsuite.sandbox import Died, Raised

    said = result.message if isinstance(result, Raised) else result.detail if isinstance(result, Died) else ""
    return "too large" in said or "larger than" in said


def cache_folder() -> Path:
    """Where computed values are kept between runs."""
    named = os.environ.get("EVALSUITE_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "evalsuite"


def _stored_form(found: Expected) -> bytes:
    """As it is stored; nothing for values that are no plain data."""
    try:
        return packed(found.values, found.seconds, found.entry, found.wrapper)
    except ValueError:
        return b""


def _key(source: str, entry: str, calls: Sequence[Sequence[Any]]) -> str:
    """A name for all that determines the values."""
    parts = (_FORMAT, platform.python_version(), source, entry, [list(call) for call in calls])
    return hashlib.sha256(marshal.dumps(parts, 2)).hexdigest()


class ExpectedValues:
    """The values of reference solutions by content; safe to ask from several threads.

    Those asked for last are held: a problem's answers come one after another, and all values of a benchmark
    are too many (most of a gigabyte for HumanEval+).
    """

    def __init__(self, sandbox: Callable[[], Sandbox]) -> None:
        self._sandbox = sandbox
        self._folder = cache_folder() / "expected"
        self._known: OrderedDict[str, tuple[Expected, int]] = OrderedDict()
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def of(self, source: str, entry: str, calls: Sequence[Sequence[Any]]) -> Expected:
        """The values that `entry` of `source` returns for each call."""
        key = _key(source, entry, calls)
        with self._locked(key):
            found, size = self._found(key, source, entry, calls)
            self._hold(key, found, size)
            return found

    def timed_again(
        self, source: str, entry: str, calls: Sequence[Sequence[Any]], known: tuple[float, ...]
    ) -> Expected:
        """The same values, with the reference timed once more: each call's seconds are the most seen so far.

        How long a call takes swings by a factor of two with what else the machine does, and values kept in a
        shared home may come from a faster machine. Nothing is timed where another thread has just done so.
        """
        key = _key(source, entry, calls)
        with self._locked(key):
            latest, _ = self._found(key, source, entry, calls)
            if latest.seconds == known:
                fresh = self._computed(source, entry, calls)
                latest = replace(latest, seconds=tuple(map(max, latest.seconds, fresh.seconds)))
                self._hold(key, *self._stored(key, latest))
            return latest

    def seconds(self, source: str, entry: str, calls: Sequence[Sequence[Any]]) -> float:
        """What all these calls have taken, where they are slow and were computed before; else 0."""
        try:
            return float((self._folder / f"{_key(source, entry, calls)}{_SLOW}").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0.0

    def _locked(self, key: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())

    def _found(
        self, key: str, source: str, entry: str, calls: Sequence[Sequence[Any]]
    ) -> tuple[Expected, int]:
        """The values from memory, from the cache or computed now, and their size in the cache."""
        with self._guard:
            held = self._known.get(key)
        if held := held or self._read(key):
            return held
        return self._stored(key, self._computed(source, entry, calls))

    def _stored(self, key: str, found: Expected) -> tuple[Expected, int]:
        """Keep values in the cache, with a note where they are slow; in their stored form, and how large."""
        data = _stored_form(found)
        if not self._write(key, data):
            return found, 0
        if sum(found.seconds) >= _NOTED_SECONDS:
            self._write(f"{key}{_SLOW}", f"{sum(found.seconds):.3f}".encode("ascii"))
        return Expected(*unpacked(data)), len(data)

    def _read(self, key: str) -> tuple[Expected, int] | None:
        try:
            data = (self._folder / key).read_bytes()
            return Expected(*unpacked(data)), len(data)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError, TypeError):
            return None  # torn or written by another version: computed again and replaced

    def _computed(self, source: str, entry: str, calls: Sequence[Sequence[Any]]) -> Expected:
        from evalsuite.sandbox import Limits, Returned

        ran = self._sandbox().run_calls(
            source + "\n" + _TIMER.replace("ENTRY", entry),
            "_timed_",
            [(call, {}) for call in calls],
            Limits(cpu_s=600, wall_s=1800, mem_mb=4096),
            stop_on=lambda _, result: not isinstance(result, Returned),
            hash_seed=_HASH_SEED,
        )
        pairs = [result.value for result in ran.results if isinstance(result, Returned)]
        if len(pairs) != len(calls) and entry != "_digest_" and any(map(_too_large, ran.results)):
            wrapper = _DIGEST.replace("ENTRY", entry)
            small = self._computed(source + "\n" + wrapper, "_digest_", calls)
            return Expected(small.values, small.seconds, "_digest_", "\n" + wrapper)
        if len(pairs) != len(calls):
            why = next((r for r in ran.results if not isinstance(r, Returned)), ran.outcome.detail)
            raise BrokenReference(f"the reference of {entry} does not answer every input: {why}")
        return Expected(Values.of([value for value, _ in pairs]), tuple(seconds for _, seconds in pairs))

    def _write(self, name: str, data: bytes) -> bool:
        """Keep a file's content, if there is any; False where nothing can be kept."""
        if not data:
            return False
        partial = self._folder / f"{name}.{os.getpid()}.{threading.get_ident()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            partial.replace(self._folder / name)
        except OSError as error:
            _log.warning("values of reference solutions cannot be kept in %s: %s", self._folder, error)
            with contextlib.suppress(OSError):
                partial.unlink()
            return False
        return True

    def _hold(self, key: str, found: Expected, size: int) -> None:
        """Keep these in memory, and let the oldest go that can be read again."""
        with self._guard:
            self._known[key] = (found, size)
            self._known.move_to_end(key)
            others = [(name, size) for name, (_, size) in self._known.items() if size and name != key]
            total = size + sum(size for _, size in others)
            for name, other in others:
                if total <= _HELD_BYTES:
                    return
                total -= other
                del self._known[name]
