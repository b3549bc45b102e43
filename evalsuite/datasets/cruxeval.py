"""CRUXEval: predict a function's output, or an input that gives an output."""

from __future__ import annotations

from typing import ClassVar

from evalsuite.datasets.benchmark import BenchmarkDataset


class CruxEval(BenchmarkDataset):
    """800 short Python functions with one input and output each."""

    file: ClassVar[str] = "cruxeval/cruxeval.jsonl.gz"
    id_field: ClassVar[str] = "id"
