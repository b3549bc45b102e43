"""One driver for a run: a lock file with a heartbeat, so that a second driver knows to only watch."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from evalsuite.store.files import read_json

STALE_SECONDS = 20.0


def process_mark(pid: int) -> str:
    """What tells this process from a later one with the same number; empty when it does not exist."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]


class DriverLock:
    """Held by the process that drives a run. On the same host a dead holder is seen at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.held = False

    def acquire(self) -> dict[str, Any] | None:
        """None when the lock is ours now, else what is known of the driver that holds it."""
        for _ in range(3):
            try:
                descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            except FileExistsError:
                holder = read_json(self.path, {})
                if not self._stale(holder):
                    return dict(holder)
                self._remove_stale()
                continue
            pid = os.getpid()
            content = {"host": socket.gethostname(), "pid": pid, "mark": process_mark(pid)}
            os.write(descriptor, json.dumps(content).encode())
            os.close(descriptor)
            self.held = True
            return None
        return dict(read_json(self.path, {}))

    def holder(self) -> dict[str, Any] | None:
        """What is known of the driver that holds the lock, None when none does."""
        content = read_json(self.path)
        return None if content is None or self._stale(content) else dict(content)

    def beat(self) -> None:
        """Show that the driver lives (for drivers on other hosts)."""
        if self.held:
            try:
                os.utime(self.path)
            except FileNotFoundError:
                self.held = False

    def release(self) -> None:
        """Let another driver take over."""
        if self.held:
            self.path.unlink(missing_ok=True)
            self.held = False

    def _stale(self, holder: dict[str, Any]) -> bool:
        if holder.get("host") == socket.gethostname() and holder.get("mark"):
            return bool(process_mark(int(holder["pid"])) != holder["mark"])
        return self._silent()

    def _silent(self) -> bool:
        """Whether the heartbeat does not change while one watches (clocks of hosts are never compared)."""
        try:
            before = self.path.stat().st_mtime_ns
            deadline = time.monotonic() + STALE_SECONDS
            while time.monotonic() < deadline:
                time.sleep(0.5)
                if self.path.stat().st_mtime_ns != before:
                    return False
        except FileNotFoundError:
            return True
        return True

    def _remove_stale(self) -> None:
        # A rename has one winner: two new drivers cannot both take away the lock of a third.
        grave = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.rename(grave)
        except FileNotFoundError:
            return
        grave.unlink(missing_ok=True)
