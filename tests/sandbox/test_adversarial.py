"""No hostile program passes, escapes, or leaves anything behind, as root and as a plain user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import adversary

ROOT = Path(__file__).parents[2]


def judge(row: dict[str, Any]) -> str:
    """What is wrong with a row, or an empty string."""
    allowed = adversary.expectation(adversary.FOLDER / f"{row['name']}.py")
    if row["status"] not in allowed:
        return f"{row['name']}: {row['status']} ({row['detail']}), expected {sorted(allowed)}"
    if row["control"] != "pass":
        return f"{row['name']}: the program after it: {row['control']} ({row['control_detail']})"
    if not row["same_worker"]:
        return f"{row['name']}: the worker did not survive"
    if (row["isolation"], row["integrity"]) != ("strong", "split"):
        return f"{row['name']}: judged under {row['isolation']}, {row['integrity']}"
    return ""


def test_there_are_many_programs_of_each_class() -> None:
    names = [path.stem for path in adversary.programs()]
    assert len(names) >= 120
    for kind in ("forge", "escape", "exhaust", "residue", "worker"):
        assert sum(name.startswith(kind + "_") for name in names) >= 20, kind


@pytest.mark.parametrize("kind", ["forge", "residue", "escape_[a-m]", "worker_[e-l]"])
def test_quick_programs_neither_pass_nor_stay(kind: str) -> None:
    paths = [path for path in adversary.programs(f"{kind}*.py") if not _slow(path)]
    assert paths
    wrong = [fault for row in adversary.drive(paths) if (fault := judge(row))]
    assert not wrong, "\n".join(wrong)


def _slow(path: Path) -> bool:
    return "timeout" in adversary.expectation(path)


@pytest.mark.slow
def test_every_program_as_this_user() -> None:
    wrong = [fault for row in adversary.drive(adversary.programs()) if (fault := judge(row))]
    assert not wrong, "\n".join(wrong)


def _python_for_others() -> str | None:
    """An interpreter that another user may run, new enough for the package."""
    for name in (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin"), "/usr/bin/python3"):
        if not name:
            continue
        done = subprocess.run(
            [name, "-c", "import sys; sys.exit(sys.version_info < (3, 10))"],
            user=4242, group=4242, extra_groups=[], cwd="/", env={"PATH": os.defpath}, check=False,
            capture_output=True,
        ) if _may_run(name) else None  # fmt: skip
        if done is not None and done.returncode == 0:
            return name
    return None


def _may_run(name: str) -> bool:
    real = Path(os.path.realpath(name))
    return all(folder.stat().st_mode & 0o001 for folder in (real, *real.parents))


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_every_program_as_a_plain_user() -> None:
    python = _python_for_others()
    if python is None:
        pytest.skip("no Python of 3.10 or newer that another user may run")
    if not all(folder.stat().st_mode & 0o001 for folder in (ROOT, *ROOT.parents)):
        pytest.skip("another user may not read this checkout")
    done = subprocess.run(
        [python, "-B", str(Path(adversary.__file__))],
        user=4242, group=4242, extra_groups=[], cwd="/", capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": "/tmp"},
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(adversary.programs()), done.stderr
    wrong = [fault for row in rows if (fault := judge(row))]
    assert not wrong, "\n".join(wrong)


def test_a_real_solution_passes_where_the_others_fail() -> None:
    """The suite must be able to fail: the same check accepts the right program."""
    path = adversary.FOLDER / "forge_control_prints.py"
    (row,) = adversary.drive([path])
    assert row["status"] == "pass"
