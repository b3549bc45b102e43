"""MultiPL-E: HumanEval translated to other languages, as Qwen and DeepSeek-Coder ship it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from evalsuite.datasets.benchmark import BenchmarkDataset
from evalsuite.datasets.columns import Columns, check_columns, row_name
from evalsuite.datasets.resolve import find_data
from evalsuite.datasets.tables import Fields
from evalsuite.errors import UserError, nearest_name

LANGUAGES = ("cpp", "cs", "go", "java", "js", "php", "python", "rs", "sh", "ts")


class MultiPLE(BenchmarkDataset):
    """The problems of one language. All rows carry the stop strings of the first, as Qwen's loader reads
    them.
    """

    file: ClassVar[str] = "multipl_e/humaneval-LANG.jsonl.gz"
    columns: ClassVar[Columns] = {"prompt": str}
    translated: ClassVar[Columns] = {"tests": str, "language": str}

    def __init__(
        self, language: str, path: str | None = None, reader_cfg: Mapping[str, Any] | None = None
    ) -> None:
        if language not in LANGUAGES:
            raise UserError(
                f"MultiPL-E has no language {language!r} here",
                expected=", ".join(LANGUAGES),
                nearest=nearest_name(language, LANGUAGES),
            )
        self.language = language
        self._stops: list[str] | None = None
        name = self.file.replace("LANG", language)
        super().__init__(str(find_data(name, path)), reader_cfg)

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """The rows from a position on."""
        if self._stops is None:
            first = next(itertools.islice(super().rows(0), 1), {})
            self._stops = list(first.get("stop_tokens") or ())
        return super().rows(start)

    def shape(self, fields: Fields) -> Fields:
        """One shape for the translated rows and for Python's own, which are HumanEval's."""
        where, expected = str(self._path), f"the problems of MultiPL-E in {self.language!r}"
        if self.language != "python":
            check_columns(fields, self.translated, where, expected)
        found = str(fields.get("language", self.language)).partition("_")[0]  # Go's is "go_test.go"
        if found != self.language:
            raise UserError(f"{row_name(fields)} is a problem in {found!r}", where=where, expected=expected)
        tests = fields.get("tests") or fields["test"]
        if not tests.strip():
            raise ValueError("there are no tests")
        return {
            **fields,
            "language": self.language,
            "stem": fields["prompt"].strip(),
            "tests": tests,
            "first_stops": self._stops or (),
        }
