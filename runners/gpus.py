"""Which accelerators this process may use, found out without importing torch."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VISIBLE_DEVICES = ("CUDA_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES")
_PROC = Path("/proc/driver/nvidia/gpus")
_DEV = Path("/dev")


@dataclass(frozen=True)
class Gpus:
    """Device names as the driver wants to read them in `variable`."""

    ids: tuple[str, ...] = ()
    variable: str = "CUDA_VISIBLE_DEVICES"

    def __len__(self) -> int:
        return len(self.ids)


def find_gpus(
    environ: Mapping[str, str] | None = None, proc: Path = _PROC, dev: Path = _DEV, timeout_s: float = 20.0
) -> Gpus:
    """The devices that are visible to this process.

    What the user or the scheduler put into CUDA_VISIBLE_DEVICES (or ASCEND_RT_VISIBLE_DEVICES) wins: on a
    shared machine the hardware says more than we may use. Then the driver's list in /proc, which costs
    nothing, then `nvidia-smi -L`, then Ascend's device files.
    """
    env = os.environ if environ is None else environ
    for variable in VISIBLE_DEVICES:
        if variable in env:
            return Gpus(_listed(env[variable]), variable)
    if proc.is_dir():
        count = sum(1 for _ in proc.iterdir())
    else:
        count = _count_by_smi(env, timeout_s)
    if count:
        return Gpus(tuple(str(i) for i in range(count)))
    ascend = sorted(
        int(p.name.removeprefix("davinci")) for p in dev.glob("davinci[0-9]*") if p.name[7:].isdigit()
    )
    if ascend:
        return Gpus(tuple(str(i) for i in ascend), "ASCEND_RT_VISIBLE_DEVICES")
    return Gpus()


def _listed(text: str) -> tuple[str, ...]:
    """CUDA's own reading: names up to the first one that is empty or negative."""
    ids: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        if not name or name.startswith("-") or name == "NoDevFiles":
            break
        ids.append(name)
    return tuple(ids)


def _count_by_smi(env: Mapping[str, str], timeout_s: float) -> int:
    """GPUs by `nvidia-smi -L`; 0 where it is absent, fails or hangs: no GPU could be used then."""
    try:
        out = subprocess.run(
            ["nvidia-smi", "-L"],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=dict(env),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in out.stdout.splitlines()) if out.returncode == 0 else 0
