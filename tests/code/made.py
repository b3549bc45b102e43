"""Samples, answers and packed files for the tests of the code benchmarks."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from evalsuite.types import Answer, Sample


def given(text: str, form: str = "") -> Answer:
    """An answer as it comes from a file."""
    return Answer(key="", text=text, extra={"form": form} if form else {})


def sample(name: str = "x", **fields: Any) -> Sample:
    """A sample with these fields."""
    return Sample(0, name, fields)


def read_gz(path: Path) -> Any:
    """A packed JSON document."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def lines_gz(path: Path) -> list[dict[str, Any]]:
    """The rows of a packed JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
