"""LiveCodeBench: contest problems by date, with their tests; test-output prediction and code execution."""

from __future__ import annotations

import base64
import io
import json
import pickle
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from evalsuite.datasets.benchmark import BenchmarkDataset
from evalsuite.datasets.columns import Columns, check_columns, missing_column, row_name
from evalsuite.datasets.resolve import find_data
from evalsuite.datasets.tables import Fields, JsonlDataset, open_bytes
from evalsuite.errors import NotHere, UserError, nearest_name

# Problems that the benchmark's own errata name: several right answers, interaction, wrong tests.
ERRATA: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("abc311_c", "abc326_d", "abc327_b", "abc333_e", "abc343_e", "abc362_c", "arc185_c", "abc343_a"),
            *("find-words-containing-character", "find-the-peaks"),
            "generate-binary-strings-without-adjacent-zeros",
        ),
        "several right answers",
    ),
    **dict.fromkeys(("abc337_e", "abc355_e"), "interactive"),
    **dict.fromkeys(
        ("abc350_c", "apply-operations-to-make-string-empty", "most-frequent-ids", "arc189_a"), "wrong tests"
    ),
}


_OPEN = "9999"


def erratum(fields: Mapping[str, Any]) -> str:
    """What the errata say about a problem, found by its id or its title; empty when they do not name it."""
    return ERRATA.get(str(fields.get("question_id"))) or ERRATA.get(str(fields.get("question_title")), "")


class _TextOnly(pickle.Unpickler):
    """Private tests are stored as a pickled text; nothing but plain data may come out of it."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of tests")


def all_tests(fields: Mapping[str, Any]) -> list[dict[str, str]]:
    """Public and private tests of a problem."""
    tests: list[dict[str, str]] = []
    for column in ("public_test_cases", "private_test_cases"):
        value = fields.get(column)
        if not value:
            continue
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                packed = zlib.decompress(base64.b64decode(value))
                value = json.loads(_TextOnly(io.BytesIO(packed)).load())
        tests.extend(value)
    return tests


class LiveCodeBench(BenchmarkDataset):
    """Code generation. `start_date` and `end_date` (YYYY-MM-DD) bound the contest date, both included; a
    window that goes beyond the months of the file is refused. A file without the private tests (the default
    one) gives a score on the public tests, which is not the benchmark's.

    `errata="drop"` leaves out the problems that the benchmark's own list of errors names. With `example` each
    row has the benchmark's own solved example of its kind (call or stdin), which base models are shown.
    """

    examples_by_kind: ClassVar[dict[str, str]] = {
        "functional": "livecodebench_sample/few_shot_func.json.gz",
        "stdin": "livecodebench_sample/few_shot_stdin.json.gz",
    }

    file: ClassVar[str] = "livecodebench/lcb_release_v1_public.jsonl.gz"
    id_field: ClassVar[str] = "question_id"
    columns: ClassVar[Columns] = {"question_id": (str, int), "contest_date": str}

    def __init__(
        self,
        path: str | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
        errata: str = "keep",
        example: bool = False,
        reader_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        if errata not in ("keep", "drop"):
            raise UserError(f"errata cannot be {errata!r}", expected="keep or drop")
        super().__init__(path, reader_cfg)
        self._bounds = (start_date or "", end_date or _OPEN)
        self._drop = errata == "drop"
        self._examples = (
            {kind: _example(find_data(file)) for kind, file in self.examples_by_kind.items()}
            if example
            else {}
        )

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """The problems of the window from a position on, by id."""
        stored = list(JsonlDataset.rows(self))
        for row in stored:
            check_columns(row, self.columns, str(self._path), "the format of LiveCodeBench's problems")
            if "public_test_cases" not in row and "private_test_cases" not in row:
                raise missing_column(row, "public_test_cases", str(self._path), instead="private_test_cases")
        rows = [row for row in stored if self._wanted(row)]
        self._covered(stored, bool(rows))
        rows.sort(key=lambda row: str(row["question_id"]))
        return (self.shaped(row) for row in islice(rows, start, None))

    def _wanted(self, row: Fields) -> bool:
        first, last = self._bounds
        day = str(row["contest_date"])[:10]
        return first <= day <= last and not (self._drop and erratum(row))

    def _covered(self, stored: Sequence[Fields], some: bool) -> None:
        """The window is one that the file knows, month by month; a part of a window has another score."""
        first, last = self._bounds
        days = sorted(str(row["contest_date"])[:10] for row in stored)
        outside = bool(days) and (
            (bool(first) and first[:7] < days[0][:7]) or (last != _OPEN and last[:7] > days[-1][:7])
        )
        if outside or (not some and self._bounds != ("", _OPEN)):
            raise NotHere(
                f"the file does not cover the problems from {first or 'its first'} to "
                f"{'its last' if last == _OPEN else last}",
                where=str(self._path),
                expected=f"dates within {days[0]} to {days[-1]}, or the file of a later release as `path`"
                if days
                else "a file with problems",
            )

    def shape(self, fields: Fields) -> Fields:
        """Tests unpacked, the function's name, and how the code is asked for."""
        metadata = fields.get("metadata") or {}
        if isinstance(metadata, str):
            metadata = json.loads(metadata)
        starter = fields.get("starter_code") or ""
        if starter:
            ask = (
                "You will use the following starter code to write the solution to the problem and enclose "
                f"your code within delimiters.\n```python\n{starter}\n```\n\n"
            )
        else:
            ask = (
                "Read the inputs from stdin solve the problem and write the answer to stdout (do not "
                "directly test on the sample inputs). Enclose your code within delimiters as follows.\n"
                "```python\n"
                "# YOUR CODE HERE\n```\n\n"
            )
        kept = {
            key: value
            for key, value in fields.items()
            if key not in ("public_test_cases", "private_test_cases")
        }
        try:
            tests = all_tests(fields)
        except (zlib.error, pickle.UnpicklingError, EOFError) as error:
            raise ValueError(f"its tests cannot be unpacked: {error}") from error
        return {
            **kept,
            "tests": tests,
            "func_name": metadata.get("func_name", ""),
            "ask": ask,
            "example": self._examples.get("functional" if starter else "stdin", ""),
            "starter": f"### Starter Code\n{starter}\n\n" if starter else "",
            "errata": erratum(fields),
        }


def _example(path: Path) -> str:
    """The first solved example of a file, in the form that base models get theirs."""
    with open_bytes(path) as file:
        first = json.load(file)[0]
    starter = f"### Starter Code\n{first['sample_code']}\n\n" if first.get("sample_code") else ""
    return f"### Question\n{first['question']}\n\n{starter}### Answer\n\n{first['answer']}\n\n"


class LiveCodeBenchRows(JsonlDataset):
    """Test-output prediction or code execution: rows of a file that the user has (`path` or the data
    folders).
    """

    parts: ClassVar[dict[str, str]] = {
        "test_output": "livecodebench/test_output_prediction.jsonl",
        "execution": "livecodebench/code_execution.jsonl",
    }

    def __init__(
        self, part: str, path: str | None = None, reader_cfg: Mapping[str, Any] | None = None
    ) -> None:
        if part not in self.parts:
            raise UserError(
                f"LiveCodeBench has no part {part!r}",
                expected=" or ".join(self.parts),
                nearest=nearest_name(part, self.parts),
            )
        super().__init__(str(find_data(self.parts[part], path)), None, reader_cfg)

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """The rows from a position on; ids of problems get the test's number, which makes them unique."""
        return (self._shape(row) for row in super().rows(start))

    def _shape(self, row: Fields) -> Fields:
        name = row.get("id") or f"{row.get('question_id')}/{row.get('test_id', 0)}"
        where = str(self._path)
        if "output" not in row and "test" not in row:
            raise missing_column(row, "output", where, "the format of LiveCodeBench's rows", "test")
        test = row.get("test")
        try:
            test = json.loads(test) if isinstance(test, str) else test
            first = dict(test[0]) if isinstance(test, Sequence) and test else {}
        except (TypeError, ValueError) as error:
            raise UserError(
                f"the column 'test' of {row_name(row)} is no list of inputs and outputs: {error}",
                where=where,
                expected="the format of LiveCodeBench's rows",
            ) from error
        if "output" not in first and "output" not in row:
            raise missing_column(first, "output", where, "a test with its output")
        return {
            "test_input": first.get("input", row.get("input", "")),
            "expected": first.get("output", row.get("output", "")),
            **row,
            "id": str(name),
        }
