"""Text-to-SQL: both queries run on the database, their rows are compared out here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from evalsuite.errors import UserError
from evalsuite.evaluators.code.base import CodeEvaluator, extra_of, not_run
from evalsuite.evaluators.code.python_text import blocks
from evalsuite.sandbox import Isolation, Limits
from evalsuite.types import Answer, Sample, Score

_ENDS = ("</s>", "<pad>", "<|endoftext|>", "<|im_end|>", "Question:", "Answer:")
Row = tuple[Any, ...]


def query_of(text: str) -> str | None:
    """The query in an answer: a [SQL] part, a fenced block, or the text from its first SELECT or WITH.

    A text without either continues a prompt that ended in `SELECT `.
    """
    if "[SQL]" in text:
        text = text.rpartition("[SQL]")[2].partition("[/SQL]")[0]
    else:
        found = blocks(text)
        if found:
            text = found[-1].code
    for end in _ENDS:
        text = text.partition(end)[0]
    first = re.search(r"\b(?:SELECT|WITH)\b", text, re.IGNORECASE)
    text = _first_statement(text[first.start() :] if first else text)
    text = " ".join(text.split())
    if not text:
        return None
    return text if re.match(r"(?:SELECT|WITH)\b", text, re.IGNORECASE) else f"SELECT {text}"


def _first_statement(text: str) -> str:
    """Up to the first semicolon outside quotes."""
    quote = ""
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"`":
            quote = letter
        elif letter == ";":
            return text[:at]
    return text


def same_set(gold: Sequence[Row], got: Sequence[Row]) -> bool:
    """BIRD: the same set of rows."""
    return set(gold) == set(got)


def same_up_to_columns(gold: Sequence[Row], got: Sequence[Row]) -> bool:
    """Spider: the same rows as often, in any order, for some order of the columns; nothing equals nothing."""
    if not gold and not got:
        return True
    if len(gold) != len(got) or len(gold[0]) != len(got[0]):
        return False
    if _without_order(gold) != _without_order(got):
        return False
    wanted = Counter(gold)
    columns = list(zip(*gold, strict=True))
    theirs = [Counter(column) for column in zip(*got, strict=True)]
    choices = [[at for at, counted in enumerate(theirs) if counted == Counter(column)] for column in columns]
    return _some_order(wanted, got, choices, [])


def _without_order(rows: Sequence[Row]) -> Counter[Row]:
    return Counter(tuple(sorted(row, key=lambda value: (str(type(value)), str(value)))) for row in rows)


def _some_order(
    wanted: Counter[Row], got: Sequence[Row], choices: Sequence[Sequence[int]], chosen: list[int]
) -> bool:
    """Whether a choice of columns makes the rows equal; a choice is dropped as soon as its part differs."""
    width = len(chosen)
    if width and width < len(choices):
        part: Counter[Row] = Counter()
        for row, count in wanted.items():
            part[row[:width]] += count
        if part != Counter(tuple(row[at] for at in chosen) for row in got):
            return False
    if width == len(choices):
        return wanted == Counter(tuple(row[at] for at in chosen) for row in got)
    return any(_some_order(wanted, got, choices, [*chosen, at]) for at in choices[width] if at not in chosen)


class SqlEvaluator(CodeEvaluator):
    """Execution accuracy. `compare` is "columns" (Spider) or "set" (BIRD); `executable` counts what ran at
    all.
    """

    parts: ClassVar[dict[str, str]] = {"executable": "executable_"}

    def __init__(
        self,
        compare: Literal["columns", "set"] = "columns",
        seconds: float = 30,
        workers: int | None = None,
        k: int | Sequence[int] = (1,),
        min_isolation: Isolation = "strong",
        raw: bool = False,
    ) -> None:
        super().__init__(workers, k, min_isolation, raw)
        if compare not in ("columns", "set"):
            raise UserError(f"rows cannot be compared by {compare!r}", expected="columns or set")
        self._same = same_up_to_columns if compare == "columns" else same_set
        self.limits = Limits(cpu_s=seconds, wall_s=3 * seconds, mem_mb=2048)

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Run the answered query and the gold one."""
        fields = sample.fields
        query = answer.text if self.raw else query_of(answer.text)
        if query is None or not query.strip():
            return not_run(sample, repeat, "unextracted", "no query in the answer", ("executable",))
        database = fields["database"]
        if not database:
            return Score(
                sample.id, repeat, "error", None, detail=f"the database {fields['db_id']!r} is not here"
            )
        wanted = self.sandbox.sql(database, fields["gold"], self.limits)
        if wanted.outcome.status != "pass":
            return Score(
                sample.id, repeat, "error", None, detail=f"the gold query fails: {wanted.outcome.detail}"
            )
        got = self.sandbox.sql(database, query, self.limits)
        extra = extra_of(got.outcome)
        status = got.outcome.status
        if status == "harness_error":
            return Score(sample.id, repeat, "error", None, detail=got.outcome.detail, extra=extra)
        if status != "pass":
            kind: Literal["timeout", "syntax", "wrong"] = "wrong"
            if status == "timeout":
                kind = "timeout"
            elif "syntax error" in got.outcome.detail or "incomplete input" in got.outcome.detail:
                kind = "syntax"
            return Score(sample.id, repeat, kind, False, {"executable": 0.0}, got.outcome.detail[:300], extra)
        same = self._same(wanted.rows, got.rows)
        detail = "" if same else f"{len(got.rows)} rows, {len(wanted.rows)} expected, or other values"
        return Score(
            sample.id, repeat, "right" if same else "wrong", same, {"executable": 1.0}, detail, extra
        )
