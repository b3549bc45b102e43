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


# Three small problems, as HumanEval's file has them.
PROBLEMS: list[dict[str, Any]] = [
    {
        "task_id": f"HumanEval/{number}",
        "prompt": f'def f{number}(x):\n    """ Add {number}. """\n',
        "entry_point": f"f{number}",
        "canonical_solution": f"    return x + {number}\n",
        "test": f"def check(candidate):\n    assert candidate(1) == 1 + {number}\n",
    }
    for number in range(3)
]
