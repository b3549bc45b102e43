"""What the tests of the code benchmarks share."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def answers(replay_data: Path) -> Path:
    """The folder of the 1.5B base model's published answers."""
    return replay_data / "qwen2.5-coder-1.5b-base"


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows as JSON lines, packed when the name says so."""

    def write(rows: list[dict[str, Any]], name: str = "answers.jsonl") -> Path:
        path = tmp_path / name
        text = "".join(json.dumps(row) + "\n" for row in rows)
        if name.endswith(".gz"):
            path.write_bytes(gzip.compress(text.encode()))
        else:
            path.write_text(text)
        return path

    return write
