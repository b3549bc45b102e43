"""No hostile program passes, escapes, or leaves anything behind, as root and as a plain user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import adversary
from tests.sandbox.plain_user import as_plain_user


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
@pytest.mark.timeout(900)
def test_every_program_as_this_user() -> None:
    wrong = [fault for row in adversary.drive(adversary.programs()) if (fault := judge(row))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_program_as_a_plain_user() -> None:
    rows = [json.loads(line) for line in as_plain_user(Path(adversary.__file__))]
    assert len(rows) == len(adversary.programs())
    wrong = [fault for row in rows if (fault := judge(row))]
    assert not wrong, "\n".join(wrong)


def test_a_real_solution_passes_where_the_others_fail() -> None:
    """The suite must be able to fail: the same check accepts the right program."""
    path = adversary.FOLDER / "forge_control_prints.py"
    (row,) = adversary.drive([path])
    assert row["status"] == "pass"
