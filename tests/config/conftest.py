"""Writes trees of config files, so that each test shows the config that it is about."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

Tree = Callable[[dict[str, str]], Path]

MINIMAL = """
models = [dict(type='EchoModel', abbr='echo')]
datasets = [dict(type='JsonlDataset', abbr='d', path='d.jsonl')]
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Write files below a temporary folder; returns the folder."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return tmp_path

    return write
