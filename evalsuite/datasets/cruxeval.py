"""CRUXEval: predict a function's output, or an input that gives an output."""

from __future__ import annotations

from typing import ClassVar

from evalsuite.datasets.benchmark import BenchmarkDataset
from evalsuite.datasets.columns import Columns


class CruxEval(BenchmarkDataset):
    """800 short Python functions with one input and output each."""

    file: ClassVar[str] = "cruxeval/cruxeval.jsonl.gz"
    id_field: ClassVar[str] = "id"
    columns: ClassVar[Columns] = dict.fromkeys(("code", "input", "output"), str)
