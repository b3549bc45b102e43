"""The interpreter's own code on huge pages, which a fork neither maps bit by bit nor unmaps again.

Each small program runs through much of the interpreter. Of a file, a fork finds none of that mapped, and the
kernel maps it some pages at a time; of memory on a huge page, one entry is copied. Where a machine does not
give huge pages, everything stays as it was.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator

from evalsuite.sandbox.inside import kernel

SIZE = 2 << 20
_MOST = 4  # the interpreter with its constants is 4 to 8 MB
_READ, _WRITE, _EXECUTE = 1, 2, 4
_PRIVATE, _ANONYMOUS = 0x2, 0x20
_HUGE = 14
_MAY_MOVE, _FIXED = 1, 2
_FAILED = ctypes.c_void_p(-1).value


def move_code() -> int:
    """Move as much of the interpreter's code as fills huge pages; how many there are now.

    Nothing else may run in this process meanwhile. What is there afterwards are the same bytes at the same
    addresses, to be read and run as before.
    """
    if os.uname().machine != "x86_64":
        return 0  # others want their caches told of new code
    try:
        places = list(_places())[:_MOST]
    except OSError:
        return 0  # nothing is told of this process
    for moved, place in enumerate(places):
        if not _move(place):
            return moved
    return len(places)


def _places() -> Iterator[int]:
    """Where whole huge pages fit into the mappings of the interpreter's file that are never written to."""
    function = ctypes.cast(ctypes.pythonapi.Py_IncRef, ctypes.c_void_p).value or 0
    begin = end = 0
    file = ""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as mappings:
        for line in mappings:
            span, rights, _, _, number, *_ = line.split(None, 5)
            first, last = (int(edge, 16) for edge in span.split("-"))
            if rights[:2] != "r-" or number == "0":
                number = ""
            if (first, number) != (end, file):
                if begin <= function < end:
                    break
                begin, file = first, number
            end = last
    if file and begin <= function < end:
        yield from range(-(-begin // SIZE) * SIZE, end - SIZE + 1, SIZE)


def _move(place: int) -> bool:
    """Put one piece of memory on a huge page; False where that cannot be had, and nothing has changed."""
    room = _call("mmap", None, 2 * SIZE, _READ | _WRITE, _PRIVATE | _ANONYMOUS, -1, 0)
    if room == _FAILED:
        return False
    page = -(-room // SIZE) * SIZE
    there = _call("madvise", page, SIZE, _HUGE) == 0
    if there:
        ctypes.memmove(page, place, SIZE)
        there = _is_huge(page) and _call("mprotect", page, SIZE, _READ | _EXECUTE) == 0
    there = there and _call("mremap", page, SIZE, SIZE, _MAY_MOVE | _FIXED, place) == place
    for begin, end in ((room, page), (page + SIZE if there else page, room + 2 * SIZE)):
        if begin < end:
            _call("munmap", begin, end - begin)
    return there


def _call(name: str, *arguments: int | None) -> int:
    """A call of the C library on addresses and lengths; the unsigned word that it returns."""
    function = getattr(kernel.libc, name)
    function.restype = ctypes.c_void_p
    return function(*map(ctypes.c_void_p, arguments)) or 0


def _is_huge(page: int) -> bool:
    """Whether the kernel has given a huge page, and not many small ones, which would be worse than before."""
    try:
        with open("/proc/self/smaps", "rb") as mappings:
            for line in mappings:
                if line.startswith(b"%x-" % page):
                    break
            for line in mappings:
                if line.startswith(b"AnonHugePages:"):
                    return int(line.split()[1]) << 10 == SIZE
    except OSError:
        pass  # not every kernel tells
    return False
