"""The whole program on the shipped demo under vLLM, against the same run under transformers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from side import side_python

pytest.importorskip("torch", reason="torch is not installed")

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("demo"), pytest.mark.timeout(1200)]
ROOT = Path(__file__).resolve().parents[2]


def demo(python: str, folder: Path, *flags: str) -> dict[tuple[str, str], Any]:
    """Run the demo to its end; every result without its samples, by model and dataset."""
    done = subprocess.run(
        [python, "run.py", "configs/eval_demo.py", "-w", str(folder), *flags],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = {}
    for file in folder.glob("*/results/*/*.json"):
        result = json.loads(file.read_text())
        del result["details"]  # which hold the names of models
        found[file.parent.name.replace("vllm", "hf"), file.stem] = result
    return found


def test_the_demo_scores_the_same_under_vllm(tmp_path: Path) -> None:
    there = demo(side_python("vllm"), tmp_path / "vllm", "-a", "vllm")
    here = demo(sys.executable, tmp_path / "hf")
    assert len(here) == 6
    assert there == here
