"""One sandbox for all evaluators of a process that ask for the same.

A judge of twenty benchmarks would otherwise keep the workers of twenty sandboxes waiting.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalsuite.sandbox import Isolation, Sandbox

_Key = tuple[int, "Isolation", str | None]

_lock = threading.Lock()
_open: dict[_Key, tuple[Sandbox, int]] = {}


def borrow(workers: int, level: Isolation, python: str | None) -> Sandbox:
    """A running sandbox, to be given back."""
    from evalsuite.sandbox import Sandbox

    key = (workers, level, python)
    with _lock:
        held = _open.get(key)
        sandbox, holders = held if held is not None else (Sandbox(workers, level, python), 0)
        _open[key] = (sandbox, holders + 1)
        return sandbox


def give_back(sandbox: Sandbox) -> None:
    """The last one who gives a sandbox back ends it."""
    with _lock:
        key = next(key for key, (held, _) in _open.items() if held is sandbox)
        _, holders = _open[key]
        if holders > 1:
            _open[key] = (sandbox, holders - 1)
            return
        del _open[key]
    sandbox.close()
