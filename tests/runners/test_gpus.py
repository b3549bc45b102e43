"""GPUs are counted without torch, and what the user allows comes first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runners.gpus import Gpus, find_gpus

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("", ()),
        ("0", ("0",)),
        ("3,1", ("3", "1")),
        ("0,-1,2", ("0",)),
        ("GPU-1a2b, MIG-3c", ("GPU-1a2b", "MIG-3c")),
    ],
)
def test_visible_devices_are_read_as_cuda_reads_them(value: str, ids: tuple[str, ...]) -> None:
    assert find_gpus({"CUDA_VISIBLE_DEVICES": value}).ids == ids


def test_driver_folder_is_counted(tmp_path: Path) -> None:
    for bus in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / "gpus" / bus).mkdir(parents=True)
    assert find_gpus({}, proc=tmp_path / "gpus", dev=tmp_path).ids == ("0", "1")


def test_nvidia_smi_is_asked_when_there_is_no_driver_folder(tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: H200 (UUID: GPU-1)'\necho '  MIG 1g Device 0: (UUID: MIG-2)'\n")
    tool.chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from runners.gpus import *; print(len(find_gpus(proc=Path({str(tmp_path / 'no')!r}))))",
        ],
        cwd=ROOT,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "1"


def test_a_broken_nvidia_smi_means_no_gpu(tmp_path: Path) -> None:
    assert find_gpus({"PATH": ""}, proc=tmp_path / "no", dev=tmp_path, timeout_s=5) == Gpus()


def test_ascend_devices_bring_their_own_variable(tmp_path: Path) -> None:
    for name in ("davinci0", "davinci1", "davinci_manager"):
        (tmp_path / name).touch()
    found = find_gpus({"PATH": ""}, proc=tmp_path / "no", dev=tmp_path)
    assert found == Gpus(("0", "1"), "ASCEND_RT_VISIBLE_DEVICES")


def test_runners_need_neither_torch_nor_evalsuite() -> None:
    code = (
        "import sys, runners.local, runners.subprocess, runners.slurm, runners.gpus\n"
        "print([m for m in ('torch', 'evalsuite', 'asyncio', 'numpy') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
