"""What a run says of LiveCodeBench's data sets, of which the file at hand covers some."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evalsuite.datasets.infilling import SantaCoderFim
from evalsuite.datasets.token_room import TokenRoom

ROOT = Path(__file__).resolve().parents[2]


def planned(bench_data: Path, tmp_path: Path, datasets: str) -> tuple[str, str]:
    """Output and messages of a dry run with the demo models."""
    ran = subprocess.run(
        [
            sys.executable,
            "run.py",
            "--models",
            "hf_demo",
            "--datasets",
            datasets,
            "--dry-run",
            "-w",
            tmp_path,
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "EVALSUITE_DATA": str(bench_data),
            "EVALSUITE_CACHE": str(tmp_path),
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout, ran.stderr


def test_windows_that_the_file_does_not_cover_leave_out_their_datasets(
    bench_data: Path, tmp_path: Path
) -> None:
    out, err = planned(bench_data, tmp_path, "livecodebench_chat")
    for window in ("2305_2408", "2407_2411"):
        assert f"dataset livecodebench_{window} is left out: " in err
    assert "the file does not cover the problems from 2024-07-01 to 2024-11-30 (" in err
    assert "; expected dates within 2023-05-07 to 2024-03-02" in err
    for part in ("test_output", "execution"):
        assert f"dataset livecodebench_{part} is left out: the data file" in err
    assert "livecodebench_generation [" in out and "400 samples x 1" in out
    assert "livecodebench_generation_clean [" in out and "390 samples x 1" in out


def test_qwens_settings_and_the_base_prompt(bench_data: Path, tmp_path: Path) -> None:
    out, _ = planned(bench_data, tmp_path, "livecodebench_qwen")
    assert "400 samples x 10" in out
    out, _ = planned(bench_data, tmp_path, "livecodebench_base")
    assert "400 samples x 10" in out and "| ### Question" in out


def test_sql_answers_that_think_first(bench_data: Path, tmp_path: Path) -> None:
    out, err = planned(bench_data, tmp_path, "sql_cot")
    assert "spider_cot [" in out and "dataset bird_cot is left out" in err


@pytest.mark.parametrize("right", [512, 20])
def test_santacoders_prompts_keep_to_their_room(bench_data: Path, right: int) -> None:
    path = str(bench_data / "santacoder_fim" / "train.parquet")
    demo = str(ROOT / "data" / "demo" / "models" / "s")
    room = {"max_tokens": 256, "answer_tokens": 64, "right_tokens": min(right, 100), "tokenizer": demo}
    cut, whole = (SantaCoderFim("py", path=path, **kwargs) for kwargs in (room, {}))  # type: ignore[arg-type]
    count = TokenRoom(demo).count
    for short, full in zip(cut.samples(0, 40), whole.samples(0, 40), strict=True):
        before, after = short.fields["fim_prompt"].removeprefix("<|fim_prefix|>").split("<|fim_suffix|>")
        after = after.removesuffix("<|fim_middle|>")
        assert full.fields["prompt"].endswith(before) and full.fields["suffix"].startswith(after)
        assert count(after) <= right and count(before) + count(after) <= 192
        assert full.fields["fim_prompt"].count(full.fields["prompt"])
