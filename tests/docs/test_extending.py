"""The examples of docs/extending.md are run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```python\n# (\w+\.py)\n(.*?)```", re.DOTALL)


def examples() -> dict[str, str]:
    return dict(BLOCK.findall((ROOT / "docs/extending.md").read_text()))


def test_each_example_is_under_thirty_lines() -> None:
    assert len(examples()) == 4
    assert all(code.count("\n") < 30 for code in examples().values())


def test_the_examples_give_a_table(tmp_path: Path) -> None:
    for name, code in examples().items():
        (tmp_path / name).write_text(code)
    for runner in ([], ["--debug"]):
        done = subprocess.run(
            [sys.executable, str(ROOT / "run.py"), "eval_own.py", *runner],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "same_letters" in done.stdout and "100.00" in done.stdout and "(n=3)" in done.stdout
