"""BigCodeBench: functions that use many libraries, with unit tests; complete and instruct prompts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from evalsuite.datasets.benchmark import BenchmarkDataset, KeyedJson
from evalsuite.datasets.columns import Columns
from evalsuite.datasets.resolve import find_data
from evalsuite.datasets.tables import Fields
from evalsuite.errors import UserError

SUBSETS = {
    "full": "bigcodebench/BigCodeBench-v0.1.0.jsonl.gz",
    "hard": "bigcodebench/bigcodebench_hard.json.gz",
}


class BigCodeBench(BenchmarkDataset):
    """The full set (1140, first release) or the hard one (148)."""

    files_by_subset: ClassVar[dict[str, str]] = SUBSETS
    columns: ClassVar[Columns] = {"entry_point": str, "test": str}

    def __init__(
        self,
        subset: Literal["full", "hard"] = "full",
        path: str | None = None,
        reader_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        if subset not in SUBSETS:
            raise UserError(f"BigCodeBench has no subset {subset!r}", expected=", ".join(SUBSETS))
        file = find_data(SUBSETS[subset], path)
        super().__init__(str(file), reader_cfg)
        self._file: Path = file
        self._keyed = KeyedJson.is_keyed(file)

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """The rows from a position on; the hard set is one JSON object by id."""
        if self._keyed:
            return (self.shaped(fields) for fields in KeyedJson.read(self._file, start))
        return super().rows(start)

    def shape(self, fields: Fields) -> Fields:
        """The column names of the later releases for the first one, and the prompts without empty ends."""
        if "complete_prompt" not in fields:
            fields = {
                **fields,
                "complete_prompt": fields["prompt"],
                "instruct_prompt": fields["instruction"],
                "code_prompt": fields["prompt_wo_doc"],
            }
        return {
            **fields,
            "complete_stem": fields["complete_prompt"].strip(),
            "instruct_stem": fields["instruct_prompt"].strip(),
        }
