"""HumanEval, HumanEval+, MBPP and MBPP+: functions to write in Python."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar, Literal

from evalsuite.datasets.benchmark import BenchmarkDataset
from evalsuite.datasets.columns import NUMBER, Columns, row_name
from evalsuite.datasets.tables import Fields
from evalsuite.errors import UserError

_WITH_INPUTS: Columns = {
    **dict.fromkeys(("prompt", "entry_point", "canonical_solution"), str),
    "base_input": list,
    "plus_input": (list, dict),  # an empty object where MBPP+ has none
    "atol": NUMBER,
}


class HumanEval(BenchmarkDataset):
    """OpenAI's 164 problems with their `check` functions."""

    file: ClassVar[str] = "humaneval/HumanEval.jsonl.gz"
    columns: ClassVar[Columns] = dict.fromkeys(("prompt", "entry_point", "test"), str)

    def shape(self, fields: Fields) -> Fields:
        """`stem` is the prompt without blanks around it, as base models get it."""
        if "suffix" in fields:
            raise UserError(
                f"{row_name(fields)} has a suffix: it is a problem of infilling",
                where=str(self._path),
                expected=f"the format of {self.file}",
            )
        return {**fields, "stem": fields["prompt"].strip()}


class _WithInputs(HumanEval):
    """Problems of EvalPlus: a reference, and the inputs of both halves, each the arguments of one call."""

    columns: ClassVar[Columns] = _WITH_INPUTS

    def shape(self, fields: Fields) -> Fields:
        """The stem; without inputs nothing would be tested, and every answer right."""
        if not fields["base_input"]:
            raise ValueError("base_input is empty")
        for column in ("base_input", "plus_input"):
            if not all(isinstance(call, list) for call in fields[column]):
                raise ValueError(f"{column} is no list of lists of arguments")
        return super().shape(fields)


class HumanEvalPlus(_WithInputs):
    """EvalPlus's 164 problems with many more inputs (v0.1.9, the release behind Qwen's published figures)."""

    file: ClassVar[str] = "humaneval_plus/HumanEvalPlus-v0.1.9.jsonl.gz"


class MbppPlus(_WithInputs):
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
    columns: ClassVar[Columns] = {"code": str, "test_list": list}

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
        if not tests or not all(isinstance(test, str) for test in tests):
            raise ValueError("test_list is no list of tests")
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
        return islice(self._between(*self._bounds), start, None)

    def train_rows(self) -> Iterator[Fields]:
        """The ten problems that few-shot prompts are made of."""
        return self._between(*self.splits["prompt"])

    def _between(self, first: int, last: int) -> Iterator[Fields]:
        for row in super().rows():
            number = str(row.get("task_id", ""))
            if not number.isdigit():
                raise UserError(
                    f"{number or 'a row'!r} is no number of an MBPP problem",
                    where=str(self._path),
                    expected="a task_id from 1 to 974",
                )
            if first <= int(number) <= last:
                yield row


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
