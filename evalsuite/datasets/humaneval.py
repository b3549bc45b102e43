"""HumanEval, HumanEval+, MBPP and MBPP+: functions to write in Python."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar, Literal

from evalsuite.datasets.benchmark import BenchmarkDataset
from evalsuite.datasets.tables import Fields
from evalsuite.errors import UserError


class HumanEval(BenchmarkDataset):
    """OpenAI's 164 problems with their `check` functions."""

    file: ClassVar[str] = "humaneval/HumanEval.jsonl.gz"

    def shape(self, fields: Fields) -> Fields:
        """`stem` is the prompt without blanks around it, as base models get it."""
        return {**fields, "stem": fields["prompt"].strip()}


class HumanEvalPlus(HumanEval):
    """EvalPlus's 164 problems with many more inputs (v0.1.9, the release behind Qwen's published figures)."""

    file: ClassVar[str] = "humaneval_plus/HumanEvalPlus-v0.1.9.jsonl.gz"


class MbppPlus(HumanEval):
    """EvalPlus's MBPP: 399 problems (v0.1.0, the release behind Qwen's published figures)."""

    file: ClassVar[str] = "mbpp_plus/MbppPlus-v0.1.0.jsonl.gz"


class Mbpp(BenchmarkDataset):
    """Google's MBPP: the 500 test problems of the full set, or the sanitized ones among all of its 427.

    `split` is "test" (ids 11 to 510, as in the paper), "prompt" (1 to 10), "validation", "train" or "all".
    """

    splits: ClassVar[dict[str, tuple[int, int]]] = {
        "prompt": (1, 10),
        "test": (11, 510),
        "validation": (511, 600),
        "train": (601, 974),
        "all": (1, 974),
    }
    file: ClassVar[str] = "mbpp/mbpp.jsonl.gz"

    def __init__(
        self,
        path: str | None = None,
        split: Literal["prompt", "test", "validation", "train", "all"] = "test",
        reader_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(path, reader_cfg)
        if split not in self.splits:
            raise UserError(f"MBPP has no split {split!r}", expected=", ".join(self.splits))
        self._bounds = self.splits[split]

    def shape(self, fields: Fields) -> Fields:
        """One name for columns that the full and the sanitized file call differently."""
        code = fields["code"].replace("\r\n", "\n")
        tests = fields["test_list"]
        setup = fields.get("test_setup_code") or "\n".join(fields.get("test_imports", ()))
        return {
            **fields,
            "text": fields.get("text") or fields["prompt"],
            "code": code,
            "setup": setup,
            "entry_point": called_function(tests[0], code),
            "tests": "\n".join(tests),
            "first_test": tests[0],
        }

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """The rows of the split from a position on."""
        first, last = self._bounds
        wanted = (row for row in super().rows() if first <= int(row["task_id"]) <= last)
        return islice(wanted, start, None)

    def train_rows(self) -> Iterator[Fields]:
        """The ten problems that few-shot prompts are made of."""
        first, last = self.splits["prompt"]
        return (row for row in super().rows() if first <= int(row["task_id"]) <= last)


class SanitizedMbpp(Mbpp):
    """The 427 problems that people went over by hand; the test split has 257."""

    file: ClassVar[str] = "mbpp/sanitized-mbpp.json.gz"


def called_function(test: str, code: str) -> str:
    """The function of `code` that a test calls: the first called name that is defined there."""
    defined = re.findall(r"^def\s+(\w+)", code, re.MULTILINE)
    for name in re.findall(r"(\w+)\s*\(", test):
        if name in defined:
            return str(name)
    return str(defined[-1]) if defined else ""
