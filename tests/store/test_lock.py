"""One driver for a run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from evalsuite.store.lock import DriverLock, process_mark


def test_a_second_driver_learns_who_drives(tmp_path: Path) -> None:
    first, second = DriverLock(tmp_path / "lock"), DriverLock(tmp_path / "lock")
    assert first.acquire() is None
    holder = second.acquire()
    assert holder is not None and holder["pid"] == os.getpid()
    first.release()
    assert second.acquire() is None


def test_a_dead_driver_on_this_host_is_replaced_at_once(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from evalsuite.store.lock import DriverLock;"
        "assert DriverLock(Path(sys.argv[1])).acquire() is None; os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "lock")], check=False)
    assert (tmp_path / "lock").exists()
    assert DriverLock(tmp_path / "lock").acquire() is None


def test_a_new_process_with_the_old_number_does_not_keep_the_lock(tmp_path: Path) -> None:
    holder = {"host": socket.gethostname(), "pid": os.getpid(), "mark": "1"}
    (tmp_path / "lock").write_text(json.dumps(holder))
    assert process_mark(os.getpid()) != "1"
    assert DriverLock(tmp_path / "lock").acquire() is None
