"""Faults of the machine are tried again and then said to be such; they are never the program's failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalsuite.sandbox import Limits, Sandbox, VerdictCache, harness

SLEEPY = "import time\ndef f(x):\n    time.sleep(1.5)\n    return x"
SUICIDE = "import os\ndef f(x):\n    os.kill(os.getpid(), 9)"


def one(f: Callable[..., Any]) -> None:
    assert f(1) == 1


def inner(pid: int) -> int:
    """Process 1 of the worker's namespace: the child of the process that the pool started."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def in_its_own_process(source: str) -> subprocess.CompletedProcess[str]:
    """A program that may spoil the limits of its process."""
    return subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


@pytest.mark.parametrize("which", ["outer", "inner"])
def test_a_worker_killed_in_the_middle_of_a_program(which: str) -> None:
    with Sandbox(1) as sandbox:
        assert sandbox.calls("def f(x): return x", "f", one).passed
        (worker,) = sandbox._slots[0].workers.values()
        pid = worker.process.pid if which == "outer" else inner(worker.process.pid)

        def kill() -> None:
            time.sleep(0.5)
            os.kill(pid, signal.SIGKILL)

        thread = threading.Thread(target=kill)
        thread.start()
        outcome = sandbox.calls(SLEEPY, "f", one)
        thread.join()
        (second,) = sandbox._slots[0].workers.values()
    assert outcome.passed, outcome
    assert second is not worker


def test_no_descriptors_left_is_a_fault_of_the_harness_and_passes_away() -> None:
    source = """
import os, resource, sys
from evalsuite.sandbox import Sandbox
resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))
def check(f):
    assert f(1) == 1
with Sandbox(1) as sandbox:
    run = lambda: sandbox.calls("def f(x): return x", "f", check).status
    said = [run()]
    kept = []
    try:
        while True:
            kept.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    said.append(run())
    for handle in kept:
        os.close(handle)
    said.append(run())
print(said)
"""
    done = in_its_own_process(source)
    assert done.stdout == "['pass', 'harness_error', 'pass']\n", done.stderr


def test_many_descriptors_in_use_are_no_fault() -> None:
    source = """
import os, resource
from evalsuite.sandbox import Sandbox
resource.setrlimit(resource.RLIMIT_NOFILE, (2048, max(2048, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
kept = [os.open("/dev/null", os.O_RDONLY) for _ in range(1500)]
with Sandbox(1) as sandbox:
    done = sandbox.run_calls("def f(x): return x", "f", [((n,), {}) for n in range(3)])
    print([result.value for result in done.results], sandbox.program("print(1)").stdout.strip())
"""
    done = in_its_own_process(source)
    assert done.stdout == "[0, 1, 2] 1\n", done.stderr


def test_a_kernel_that_kills_for_memory_is_no_crash_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = tmp_path / "vmstat"
    counts.write_text("pgfault 7\noom_kill 3\n")
    monkeypatch.setattr(harness, "_COUNTS", counts)
    monkeypatch.setattr(harness, "_killer", harness._Killer())
    with Sandbox(1) as sandbox:
        assert sandbox.calls(SUICIDE, "f", one).status == "fail"
        assert sandbox.language("bash", "kill -9 $$").status == "crash"
        first = sandbox._slots[0].workers.copy()
        counts.write_text("pgfault 7\noom_kill 4\n")
        assert sandbox.calls(SUICIDE, "f", one).status == "fail"  # the second time it was itself
        assert sandbox._slots[0].workers != first
        with monkeypatch.context() as again:
            again.setattr(harness._killer, "struck", lambda: True)
            for outcome in (sandbox.calls(SUICIDE, "f", one), sandbox.language("bash", "kill -9 $$")):
                assert outcome.status == "harness_error"
                assert "out of memory" in outcome.detail


def test_no_room_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(1, min_level="weak", level="weak") as sandbox:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        assert sandbox.calls("def f(x): return x", "f", one).status == "harness_error"
        monkeypatch.setattr(tempfile, "tempdir", None)
        assert sandbox.calls("def f(x): return x", "f", one).passed


def test_a_verdict_that_cannot_be_kept_is_still_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Sandbox(1, cache=VerdictCache(tmp_path / "file")) as sandbox:
        assert sandbox.language("bash", "exit 0").passed


def test_a_program_that_ends_its_own_group_and_session(sandbox: Sandbox) -> None:
    for way in ("os.kill(0, 9)", "os.killpg(0, 9)", "os.kill(-1, 9)", "os.kill(1, 9)"):
        outcome = sandbox.calls(f"import os\ndef f(x):\n    {way}\n    return 0", "f", one, Limits(wall_s=20))
        assert outcome.status == "fail", (way, outcome)
