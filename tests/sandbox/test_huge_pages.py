"""The interpreter's code on huge pages: the same bytes at the same places, or nothing is changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evalsuite.sandbox import Limits, Sandbox

ROOT = Path(__file__).parents[2]
_ENABLED = Path("/sys/kernel/mm/transparent_hugepage/enabled")
GIVEN = (
    os.uname().machine == "x86_64"
    and _ENABLED.exists()
    and "[never]" not in _ENABLED.read_text(encoding="ascii")
)
MOVE = """
import ctypes, hashlib, os, sys
from evalsuite.sandbox.inside import huge_pages, kernel
if sys.argv[1] == "refused":
    kernel.libc.prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE
if sys.argv[1] == "untold":
    huge_pages.open = lambda path, *more, **named: open(path + "?" * ("smaps" in path), *more, **named)
places = list(huge_pages._places())
print(len(places))
before = [hashlib.sha256(ctypes.string_at(at, huge_pages.SIZE)).digest() for at in places]
lines = open("/proc/self/maps").read().count("\\n")
moved = huge_pages.move_code()
print(moved)
assert before == [hashlib.sha256(ctypes.string_at(at, huge_pages.SIZE)).digest() for at in places]
print(moved > 0 or abs(open("/proc/self/maps").read().count("\\n") - lines) <= 2)
import decimal, json, re, threading
heard = []
thread = threading.Thread(target=lambda: heard.append(json.loads("[1, 2.5]")))
thread.start()
thread.join()
try:
    decimal.Decimal(1) / 0
except ZeroDivisionError:
    heard.append(sum(map(int, re.findall("[0-9]+", "1 2 3"))))
callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda value: value + 1)
if pid := os.fork():
    heard.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
else:
    os._exit(callback(6))
print(heard)
"""


def ran(how: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", MOVE, how],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    places, moved, unchanged, heard = done.stdout.splitlines()
    assert heard == "[[1, 2.5], 6, 7]"
    return [places, moved, unchanged]


@pytest.mark.skipif(not GIVEN, reason="this machine gives no huge pages, or is none on which code is moved")
def test_code_that_was_moved_is_the_same_and_runs() -> None:
    places, moved, _ = ran("moved")
    if places == "0":
        pytest.skip("the interpreter's code lies where no whole huge page fits")
    assert int(moved) <= int(places)
    assert int(moved) > 0, "the machine may be short of huge pages"


@pytest.mark.parametrize("how", ["refused", "untold"])
def test_where_none_are_given_nothing_changes(how: str) -> None:
    _, moved, unchanged = ran(how)
    assert (moved, unchanged) == ("0", "True")


def test_moved_code_is_not_the_programs_memory() -> None:
    source = (
        "import os, time\ndef f(n):\n    for _ in range(n):\n        if os.fork() == 0:\n"
        "            time.sleep(0.5)\n            os._exit(0)\n    time.sleep(0.5)\n    return n\n"
    )
    limits = Limits(cpu_s=5, wall_s=30, mem_mb=128, nproc=64)
    with Sandbox(1) as sandbox:
        ran = sandbox.run_calls(source, "f", [((13,), {})], limits)  # 7 MB each, or 11
    assert ran.outcome.status == "pass", ran.outcome


@pytest.mark.skipif(not GIVEN or os.geteuid() != 0, reason="needs huge pages, and a look at another's memory")
def test_workers_run_on_them() -> None:
    if ran("moved")[1] == "0":
        pytest.skip("no huge page is to be had")
    with Sandbox(1) as sandbox:
        assert sandbox.program("print(1)").stdout == "1\n"
        (worker,) = sandbox._slots[0].workers.values()
        pid = worker.process.pid
        first = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        mappings = Path(f"/proc/{first[0] if first else pid}/smaps").read_text(encoding="utf-8")
    code = [piece for piece in mappings.split("VmFlags:") if " r-xp " in piece and "AnonHugePages" in piece]
    assert any("AnonHugePages:      2048 kB" in piece for piece in code)
