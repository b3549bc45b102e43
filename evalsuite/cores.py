"""How many cores this process may keep busy: what it is bound to, what its container and its job may use."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

CORES_VARIABLE = "EVALSUITE_CORES"
"""The share of a worker that has others beside it on its machine."""


def processors() -> list[int]:
    """The processors that this process may use; a thread of it may keep to fewer."""
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    return sorted(os.sched_getaffinity(os.getpid()))  # of its first thread


def usable_cores(
    environ: Mapping[str, str] = os.environ,
    groups: Path = Path("/sys/fs/cgroup"),
    own: Path = Path("/proc/self/cgroup"),
) -> int:
    """The least of all limits, and at least one.

    A machine's own count says little on a shared node or in a container: a worker per core of the machine
    would stand in the way of its neighbours and of itself.
    """
    named = [environ.get(name, "") for name in (CORES_VARIABLE, "SLURM_CPUS_PER_TASK")]
    shares = [int(text) for text in named if text.isdigit() and int(text)]
    return max(1, min([len(processors()), *shares, *_quotas(groups, own)]))


def _quotas(groups: Path, own: Path) -> Iterator[int]:
    """Whole cores that the control groups of this process allow; those without a limit say nothing."""
    for folder, names in _folders(groups, own):
        try:
            words = " ".join((folder / name).read_text(encoding="ascii") for name in names).split()
            quota, period = float(words[0]), float(words[1])
        except (OSError, ValueError, IndexError):
            continue  # no such file here, or the word `max`
        if quota > 0 and period > 0:
            yield max(1, math.floor(quota / period))


def _folders(groups: Path, own: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Where limits may stand: the group of this process and all above it, in versions 2 and 1."""
    try:
        lines = own.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    paths = {line.split(":", 2)[2].strip("/") for line in lines if line.count(":") >= 2}
    above = {parent for path in paths for parent in (Path(path), *Path(path).parents)}
    for path in sorted(above | {Path()}):
        yield groups / path, ("cpu.max",)
        yield groups / "cpu" / path, ("cpu.cfs_quota_us", "cpu.cfs_period_us")
