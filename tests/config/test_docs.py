"""The examples of the documentation work as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evalsuite.config.check import check
from evalsuite.config.read import read_config, read_values
from evalsuite.summarizers import check_summarizer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configs.md"


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    for name, text in re.findall(
        r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    data = tmp_path / "configs/data/sums.jsonl"
    data.parent.mkdir()
    data.write_text('{"question": "1+1?", "answer": "2"}\n', encoding="utf-8")
    return tmp_path / "configs"


def test_the_first_example_has_nothing_wrong(examples: Path) -> None:
    config = read_config(examples / "eval_sums.py", ["models.*.max_out_len=32"])
    assert [str(error) for error in check(config)] == []
    assert config.models[0]["max_out_len"] == 32
    assert config.datasets[0]["path"] == str(examples / "data/sums.jsonl")


def test_the_summarizer_example_has_nothing_wrong(examples: Path) -> None:
    values, _ = read_values(examples / "summarizers/languages.py", lambda key: True)
    assert check_summarizer(values["summarizer"]) == []
