"""How many cores a process takes for its own, whatever the machine has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evalsuite.cores import usable_cores

BOUND = len(os.sched_getaffinity(0))
NOWHERE = Path("/nowhere")


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    """Control groups of version 2: a pod with a limit, and in it a container without one."""
    inner = tmp_path / "cgroup/pod/container"
    inner.mkdir(parents=True)
    (inner / "cpu.max").write_text("max 100000\n")
    (tmp_path / "own").write_text("0::/pod/container\n")
    return tmp_path / "cgroup"


def cores(groups: Path, **environ: str) -> int:
    return usable_cores(environ, groups, groups.parent / "own")


def test_without_limits_it_is_what_the_process_is_bound_to() -> None:
    assert usable_cores({}, NOWHERE, NOWHERE) == BOUND
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert usable_cores({}, NOWHERE, NOWHERE) == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(("said", "found"), [("max 100000", BOUND), ("150000 100000", 1), ("9000 100000", 1)])
def test_a_quota_of_any_group_above_counts(groups: Path, said: str, found: int) -> None:
    (groups / "pod/cpu.max").write_text(said + "\n")
    assert cores(groups) == found


def test_the_older_groups_say_it_in_two_files(groups: Path) -> None:
    folder = groups / "cpu"
    folder.mkdir()
    (folder / "cpu.cfs_quota_us").write_text("100000\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    assert cores(groups) == 1
    (folder / "cpu.cfs_quota_us").write_text("-1\n")
    assert cores(groups) == BOUND


@pytest.mark.parametrize("name", ["EVALSUITE_CORES", "SLURM_CPUS_PER_TASK"])
def test_a_share_that_was_named_is_kept(groups: Path, name: str) -> None:
    assert cores(groups, **{name: "1"}) == 1
    assert cores(groups, **{name: "4096"}) == BOUND
    assert cores(groups, **{name: "many"}) == cores(groups, **{name: "0"}) == BOUND
