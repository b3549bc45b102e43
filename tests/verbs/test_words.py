"""A wrong word on the command line is told in one line, with the nearest right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.cli import main

WRONG = {
    "configs/eval_demo.py --mode inferr": ("-m/--mode: 'inferr'", "did you mean 'infer'?"),
    "configs/eval_demo.py --max-num-worker 3": (
        "there is no flag --max-num-worker",
        "did you mean '--max-num-workers'?",
    ),
    "configs/eval_demo.py more": ("one word too many: 'more'",),
    "configs/eval_demo.py --dataset-num-runs 0": (
        "--dataset-num-runs",
        "'0' is no whole number of 1 or more",
    ),
    "configs/eval_demo.py --retry many": ("--retry", "'many' is no whole number of 0 or more"),
    "configs/eval_demo.py --retry ²": ("--retry", "'²' is no whole number of 0 or more"),
    "configs/eval_demo.py --peft-path a": ("--peft-path: says nothing without --hf-path",),
    "configs/eval_demo.py --custom-dataset-data-type qa": ("without --custom-dataset-path",),
    "configs/eval_demo.py --dry-run -p gpu --qos high": (
        "--partition, --qos: says nothing",
        "expected --slurm",
    ),
    "configs/eval_demo.py --dry-run --detach": ("--detach: says nothing",),
    "statsu": ("there is no config 'statsu'", "did you mean 'status'?"),
    "configs/eval_dmo.py": ("did you mean 'eval_demo'?",),
    "data fetsh humaneval": ("action: 'fetsh'", "did you mean 'fetch'?"),
    "score humaneval --rawe": ("score: there is no flag --rawe", "did you mean '--raw'?"),
    "score humanevl nothing.jsonl": ("did you mean 'humaneval'?",),
    "worker": ("required: --run, --class",),
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_word_is_told_in_one_line(
    line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = Path(__file__).resolve().parents[2]
    monkeypatch.chdir(tmp_path)
    words = [str(root / word) if (root / word).is_file() else word for word in line.split()]

    assert main(words) == 2

    told = capsys.readouterr().err
    assert told.count("\n") == 1
    for part in WRONG[line]:
        assert part in told
