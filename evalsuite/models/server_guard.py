"""Runs one server for another process and ends it for certain, however that other process dies.

python server_guard.py COMMAND...: standard input is a pipe that its parent holds open. When it closes, for
whatever reason (also a kill that nothing can catch), the server's whole process group is ended. Only the
standard library is used, and nothing else of this program, so that the guard is small.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

GRACE = 10.0
SUBREAPER = 36


def main(command: list[str]) -> int:
    """Run the command until it ends or the pipe closes; the exit status is the command's."""
    if sys.platform == "linux":
        # Helpers that a server puts into sessions of their own become our children when it dies.
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    try:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"cannot start {command[0]}: {error}", flush=True)  # noqa: T201
        return 127
    while server.poll() is None:
        ready, _, _ = select.select([0], [], [], 0.2)
        if ready and not os.read(0, 64):
            break
    status = server.poll()
    end(server)
    return status if status is not None else 0


def end(server: subprocess.Popen[bytes]) -> None:
    """Ask the group to stop, then kill what is left of it and of its descendants."""
    _signal_group(server.pid, signal.SIGTERM)
    limit = time.monotonic() + GRACE
    while _group_alive(server.pid) and time.monotonic() < limit:
        server.poll()
        _reap()
        time.sleep(0.05)
    _signal_group(server.pid, signal.SIGKILL)
    for child in _children():
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def _children() -> list[int]:
    file = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(one) for one in file.read_text().split()] if file.exists() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
