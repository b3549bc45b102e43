"""What a user sees while a run goes on: a live board in a terminal, plain lines where there is none."""

from __future__ import annotations

import shutil
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import TextIO

from evalsuite.plan import EVAL_QUEUE
from evalsuite.progress import Line, Snapshot

RATE_WINDOW = 30.0
PLAIN_SECONDS = 5.0
MAX_LINES = 24


class Board:
    """Shows snapshots on a stream: redrawn in place on a terminal, else a line whenever something moved."""

    def __init__(self, stream: TextIO = sys.stderr, *, gpus: str = "") -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._drawn = 0
        self._history: deque[tuple[float, int, int]] = deque()
        self._last_plain = 0.0
        self._last_text = ""
        self._gpus = gpus

    def show(self, snapshot: Snapshot, workers: Sequence[str] = ()) -> None:
        """Draw one snapshot."""
        self._history.append((snapshot.at, snapshot.answered, snapshot.scored))
        while self._history[-1][0] - self._history[0][0] > RATE_WINDOW:
            self._history.popleft()
        if self._live:
            self._redraw(render(snapshot, self._rate(), workers, self._gpus))
        else:
            self._plain(snapshot)

    def note(self, text: str) -> None:
        """Tell something that stays, above the board where there is one."""
        self._stream.write((f"\x1b[{self._drawn}F\x1b[J" if self._drawn else "") + f"{text}\n")
        self._stream.flush()
        self._drawn = 0

    def _rate(self) -> float:
        first, last = self._history[0], self._history[-1]
        span = last[0] - first[0]
        return (last[1] - first[1]) / span if span > 0 else 0.0

    def _redraw(self, lines: list[str]) -> None:
        width, height = shutil.get_terminal_size()
        shown = [line[: width - 1] for line in lines][: height - 1]
        up = f"\x1b[{self._drawn}F" if self._drawn else ""
        self._stream.write(up + "".join(f"\x1b[2K{line}\n" for line in shown) + "\x1b[J")
        self._stream.flush()
        self._drawn = len(shown)

    def _plain(self, snapshot: Snapshot) -> None:
        text = _totals(snapshot, self._rate())
        now = time.monotonic()
        over = snapshot.scored >= snapshot.total
        if text != self._last_text and (over or now - self._last_plain >= PLAIN_SECONDS):
            self._last_plain, self._last_text = now, text
            self._stream.write(text + "\n")
            self._stream.flush()


def render(snapshot: Snapshot, rate: float = 0.0, workers: Sequence[str] = (), gpus: str = "") -> list[str]:
    """The lines of the board: one for each (model x dataset), then the whole."""
    open_lines = [line for line in snapshot.lines if line.scored < line.total]
    closed = len(snapshot.lines) - len(open_lines)
    wide = max((len(f"{line.model} {line.dataset}") for line in snapshot.lines), default=0)
    rows = [_row(line, min(wide, 60)) for line in open_lines[:MAX_LINES]]
    if len(open_lines) > MAX_LINES:
        rows.append(f"  ... and {len(open_lines) - MAX_LINES} more")
    if closed:
        rows.append(f"  {closed} of {len(snapshot.lines)} finished")
    infer = sum(not worker.startswith(EVAL_QUEUE) for worker in workers)
    if workers:
        rows.append(f"  workers: {infer} infer, {len(workers) - infer} eval" + (f"   {gpus}" if gpus else ""))
    return [*rows, _totals(snapshot, rate)]


def _row(line: Line, wide: int) -> str:
    share = line.answered / line.total if line.total else 1.0
    bar = ("█" * round(20 * share)).ljust(20, "·")
    name = f"{line.model} {line.dataset}"[:wide].ljust(wide)
    failures = f"  failed {line.failed}" if line.failed else ""
    lost = f"  lost tasks {line.lost_tasks}" if line.lost_tasks else ""
    return f"  {name} {bar} {line.answered}/{line.total} answered, {line.scored} scored{failures}{lost}"


def _totals(snapshot: Snapshot, rate: float) -> str:
    left = snapshot.total - snapshot.answered
    eta = f", about {_span(left / rate)} left" if rate > 0 and left > 0 else ""
    speed = f", {rate:.1f}/s" if rate > 0 else ""
    failed = sum(line.failed for line in snapshot.lines)
    words = f", {failed} failed" if failed else ""
    reused = sum(line.reused for line in snapshot.lines)
    again = f" ({reused} reused)" if reused else ""
    return (
        f"answered {snapshot.answered}/{snapshot.total}{again}, scored {snapshot.scored}{words}{speed}{eta}"
    )


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
