"""What every program makes its interpreter do, done beforehand, so that each fork finds it done.

A fork copies each page that it writes to, and the interpreter writes where one would not look: it builds two
hundred types for its first `compile`, rewrites its bytecode as it learns which types come by, keeps what it
looked up. Done in the worker, all this is inherited and nobody pays for it again. For the same reason the
worker leaves no gaps in its memory: a fork that allocates fills them one by one, each on a page of its own.
"""

from __future__ import annotations

import _signal
import _socket
import ctypes
import marshal
import os
import sys
from typing import Any, NoReturn

from evalsuite.sandbox.inside import child, inproc

_ROUNDS = 20  # the interpreter rewrites what ran eight times, and again what then did not fit

# Ordinary code: what most programs are made of.
_PROGRAM = """
import math
from typing import Any, Dict, List, Optional, Set, Tuple, Union

USUAL = [
    List[int], List[str], List[float], List[Any], List[bool], List[List[int]], List[List[str]], Set[int],
    Dict[str, int], Dict[str, Any], Dict[int, int], Optional[int], Optional[str], Optional[List[int]],
    Tuple[int, int], Tuple[str, str], Tuple[float, float], Tuple[int, ...], List[Tuple[int, int]],
    Union[int, float], Set[str],
]


def f(values: List[int], text: str = "b a", more: Optional[Dict[str, int]] = None) -> List[float]:
    \"\"\"What a docstring says. >>> f([1])\"\"\"
    out, seen = [], set()
    total = 0

    def key(x):
        return len(str(x)), x

    for at, value in enumerate(values):
        if value in seen or not value % 3 == 0 and value != at - 1:
            continue
        elif value > 40 or value <= -1:
            break
        seen.add(value)
        total += value
        out.append(round(value * 1.5 / 2 + math.sqrt(abs(value)), 2))
    while len(out) > 5:
        out.pop()
    out += [x ** 2 for x in out if x < 3]
    named = {name: n for name, n in zip(text.split(), sorted(values, key=key, reverse=True))}
    named["x"] = named.get("x", 0) + 1
    word = "".join(c.upper() if c.islower() else c for c in text.strip()) + f"{len(out)}"
    try:
        best = max(values) // 2, min(values), int("1"), sum(values)
        odd = filter(lambda x: x & 1, values)
        return [*out, total, *best[:-1], word[::-1] in text, *map(abs, range(3)), *odd]
    except (ValueError, IndexError) as error:
        return [any(values), all(values), error is None]


class Solution:
    def __init__(self) -> None:
        self.n: Optional[int] = None

    def solve(self, n):
        self.n = n
        return f([n], "a" * n)
"""
_TESTS = """
METADATA = {"author": "x", "dataset": "test"}


def check(candidate):
    assert candidate([3, 0, -3], "a b") != [1, 2], "told when it fails"
    assert candidate([]  or [1]) is not None
    assert True, "always"
    assert abs(Solution().solve(3)[0]) < 1e6


check(f)
"""


class _Left(BaseException):
    """Where a program's process would end."""


def _leave(code: int) -> NoReturn:
    raise _Left(code)


def rehearse() -> None:
    """Walk the ways that forks walk, without their limits, and be again where and what this process was."""
    place = os.getcwd()
    processors = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    tests = marshal.dumps(compile(_TESTS, "<candidate>", "exec", dont_inherit=True))
    shared = {"source": _PROGRAM, "name": "<candidate>", "stdio": [1, 2], "limits": []}
    calls = {**shared, "kind": "calls", "entry": "f"}
    inside = {
        **shared, "kind": "inproc", "test": _TESTS, "test_code": tests, "module": None, "expected": [],
        "unittest_class": None, "classes": None,
    }  # fmt: skip
    for _ in range(_ROUNDS):
        _act(calls, (False, [([[1, 3, 5]], {}, 1.0), ([[2], "a"], {}, 0.0)]))
        _act(inside, "0" * 32)
    for number in (_signal.SIGINT, _signal.SIGPROF):
        _signal.signal(
            number, _signal.SIG_DFL
        )  # what process 1 has no handler for does not reach it from inside
    os.chdir(place)
    if processors is not None:
        os.sched_setaffinity(0, processors)


def _act(job: dict[str, Any], heard: Any) -> None:
    """One program from its job to its end, when the trusted side says `heard` and then nothing more."""
    job = marshal.loads(marshal.dumps(job))
    ours, theirs = _socket.socketpair()
    data = marshal.dumps(heard)
    ours.sendall(len(data).to_bytes(4, "little") + data)
    ours.shutdown(_socket.SHUT_WR)
    child.settle(job, [os.dup(1), os.dup(2)], os.dup(0))
    try:
        if job["kind"] == "calls":
            child.answer_calls(job, theirs.fileno(), _leave)
        else:
            inproc.run(job, theirs.fileno(), _leave)
    except _Left:
        ours.close()
        theirs.close()


# ---- memory without gaps ----

_POOL = (16 if sys.version_info >= (3, 10) else 4) << 10  # of CPython: blocks of one size, behind a header
_HEADER = 48
_OBJECTS = range(16, 513, 16)
_BLOCKS = (65536, 32768, 16384, 8192, 4096, 2048, *range(1032, 8, -16))
_MOST = 1 << 20  # bytes of one size: allocators of other kinds do not tell when their gaps are full


def fill_gaps() -> None:
    """Take every free block that does not lie in fresh memory, for ever; later ones then lie side by side."""
    if sys.implementation.name == "cpython":
        _fill_pools()
        _fill_heap()


def _fill_pools() -> None:
    allocate = ctypes.PyDLL(None).PyObject_Malloc
    allocate.restype, allocate.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    for size in _OBJECTS:
        for _ in range(_MOST // size):
            block = allocate(size)
            if block is None or block % _POOL == _HEADER:
                break  # the first block of a pool that nothing else is in


def _fill_heap() -> None:
    library = ctypes.CDLL(None)
    allocate, free = library.malloc, library.free
    allocate.restype, allocate.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    free.restype, free.argtypes = None, [ctypes.c_void_p]
    top = allocate(_BLOCKS[0]) or 0
    for size in _BLOCKS:
        for _ in range(_MOST // size):
            block = allocate(size) or top
            if block >= top:
                break  # behind all that was in use
    free(top)
