"""Drives hostile programs through one worker; also a program of its own, to do so as another user."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "adversarial"
# An interpreter that lies below /tmp is mounted there, read-only, and stays.
MOUNTED = [Path(sys.base_prefix).parts[2]] if sys.base_prefix.startswith("/tmp/") else []
CONTROL = f"""
import os
def add(a, b):
    for folder, expected in (("/tmp", {sorted(["w", *MOUNTED])}), ("/tmp/w", []), ("/dev/shm", [])):
        assert os.listdir(folder) == expected, (folder, os.listdir(folder))
        assert os.stat(folder).st_mode & 0o777 == (0o700 if folder == "/tmp/w" else 0o777), folder
    processes = [name for name in os.listdir("/proc") if name.isdigit()]
    assert len(processes) == 2, processes
    import math
    assert math.pi > 3.14
    return a + b
"""


def programs(pattern: str = "*.py") -> list[Path]:
    return sorted(FOLDER.glob(pattern))


def expectation(path: Path) -> set[str]:
    match = re.search(r"^# expect: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert match, path
    return set(match.group(1).split("|"))


def check(add: Callable[..., Any]) -> None:
    assert add(1, 2) == 3
    assert add(-5, 5) == 0
    assert add(20, 22) == 42


def drive(paths: Iterable[Path], level: str = "strong") -> Iterator[dict[str, Any]]:
    """One row per program: its verdict, and that of a right program afterwards in the same worker."""
    from evalsuite.sandbox import Limits, Sandbox

    limits = Limits(cpu_s=1, wall_s=2.5, mem_mb=512, nproc=48)
    with Sandbox(1, min_level="weak", level=level) as sandbox:  # type: ignore[arg-type]
        for path in paths:
            started = time.monotonic()
            source = path.read_text(encoding="utf-8")
            outcome = sandbox.calls(source, "add", check, limits, flavour="lean")
            (worker,) = sandbox._slots[0].workers.values() if sandbox._slots[0].workers else (None,)
            before = worker.process.pid if worker is not None and worker.alive else None
            control = sandbox.calls(CONTROL, "add", check, Limits(cpu_s=5, wall_s=20), flavour="lean")
            (worker,) = sandbox._slots[0].workers.values()
            yield {
                "name": path.stem,
                "status": outcome.status,
                "detail": outcome.detail,
                "isolation": outcome.isolation,
                "integrity": outcome.integrity,
                "control": control.status,
                "control_detail": control.detail,
                "same_worker": before == worker.process.pid,
                "seconds": round(time.monotonic() - started, 2),
            }


if __name__ == "__main__":
    for row in drive(programs(sys.argv[1] if len(sys.argv) > 1 else "*.py")):
        print(json.dumps(row), flush=True)
