"""Measures a command as a whole: CPU seconds of all its processes, wall time, peak memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Cost:
    """What a command cost; `peak_mb` is the largest sum over its processes that was seen."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    status: int
    output: str


def measure(argv: Sequence[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> Cost:
    """Run a command to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    process = subprocess.Popen(
        list(argv),
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peak = [0.0]
    thread = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    thread.start()
    output, _ = process.communicate()
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # A process that lives for less than a look is seen by the system's own figure alone.
    return Cost(
        cpu, wall, max(peak[0], after.ru_maxrss / 1024 if peak[0] == 0 else 0), process.returncode, output
    )


def _watch(pid: int, peak: list[float]) -> None:
    try:
        root = psutil.Process(pid)
        while True:
            family = [root, *root.children(recursive=True)]
            total = 0
            for member in family:
                try:
                    total += member.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], total / 2**20)
            time.sleep(0.02)
    except psutil.NoSuchProcess:
        return


def best(costs: Sequence[Cost]) -> Cost:
    """The run that cost least: what the machine's other work added is not the command's."""
    return min(costs, key=lambda cost: cost.cpu_s)


def table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """A table in Markdown."""
    from tabulate import tabulate

    return tabulate(rows, headers=list(head), tablefmt="github", disable_numparse=True)


def say(text: str) -> None:
    """Print at once, so that a long benchmark can be followed."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
