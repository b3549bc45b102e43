"""Text-to-SQL: both queries run on the database, their rows are compared out here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from evalsuite.bounds import Positive, Seconds
from evalsuite.errors import UserError
from evalsuite.evaluators.code.base import CodeEvaluator, extra_of, not_run
from evalsuite.evaluators.code.fences import blocks
from evalsuite.sandbox import Isolation, Limits, Rows
from evalsuite.types import Answer, Sample, Score

_TOKENS = ("</s>", "<pad>", "<|endoftext|>", "<|im_end|>")
_NEXT_TURN = ("Question:", "Answer:")
_NAME = r"(?:\w+|\"[^\"]+\"|`[^`]+`|\[[^\]]+\])"
_WITH = rf"\bWITH\s+(?:RECURSIVE\s+)?{_NAME}\s*(?:\([^()]*\)\s*)?\bAS\s*(?:\b(?:NOT\s+)?MATERIALIZED\s*)?\("
_START = re.compile(rf"\bSELECT\b|{_WITH}", re.IGNORECASE)
_GOES_ON = re.compile(r"(?:\(|\b(?:UNION|ALL|INTERSECT|EXCEPT))\Z", re.IGNORECASE)
_BEFORE = 40  # letters in front of a word that may say that it goes on with what was begun
_BEGINS_ANEW = re.compile(rf"\s*(?:SELECT\b|{_WITH}|`{{3}}|~{{3}})", re.IGNORECASE)
_COMMENT_OR_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`|--[^\n]*|/\*.*?(?:\*/|\Z)""", re.DOTALL)
MOST_STEPS = 10_000_000
Row = tuple[Any, ...]


class Undecided(Exception):
    """Whether two results are the same was not found within the bound."""


def query_of(text: str, prefix: str = "") -> str | None:
    """The query in an answer, on one line.

    With a `prefix`, with which the prompt ended, the answer is its continuation, unless it begins with a
    query or a fence of its own, which continue no query. Else the query is in a [SQL] part, a fenced block,
    or the text, from its SELECT or WITH on.
    """
    if prefix and not _BEGINS_ANEW.match(text):
        for end in (*_TOKENS, *_NEXT_TURN):
            text = text.partition(end)[0]
        rest = " ".join(_first_statement(text).split())
        return f"{prefix.rstrip()} {rest}" if rest else None
    if "[SQL]" in text:
        text = text.rpartition("[SQL]")[2].partition("[/SQL]")[0]
    else:
        found = [block.code for block in blocks(text)]
        if found:  # the last one with a query: what is shown behind it may be the query's result
            text = next((code for code in reversed(found) if _START.search(_bare(code))), found[-1])
    for end in _TOKENS:
        text = text.partition(end)[0]
    text = _bare(text).strip()
    starts = list(_START.finditer(text))
    if not starts:
        return None
    # Prose in front of the query may say "select": then a later one is the query's, behind a colon or in
    # capitals and not nested. One at the very beginning is prose only where a colon stands between the two.
    chosen = starts[0]
    if chosen[0].lower() == "select" and not chosen[0].isupper():

        def begins(start: re.Match[str]) -> bool:
            before = text[max(0, start.start() - _BEFORE) : start.start()].rstrip()
            return before.endswith(":") or bool(
                chosen.start() and start[0].isupper() and not _GOES_ON.search(before)
            )

        chosen = next(filter(begins, starts[1:]), chosen)
    return " ".join(_first_statement(text[chosen.start() :]).split())


def _bare(text: str) -> str:
    """The text without comments: on one line, one that ends with its line would hide the rest of a query."""
    return _COMMENT_OR_QUOTED.sub(lambda found: found[0] if found[0][0] in "'\"`" else " ", text)


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
    columns = list(zip(*gold, strict=True))
    theirs = list(zip(*got, strict=True))
    counted = [Counter(column) for column in theirs]
    choices = []
    for column in columns:
        wanted = Counter(column)
        choices.append([at for at, count in enumerate(counted) if count == wanted])
    return all(choices) and _some_order(columns, theirs, choices)


def _some_order(
    columns: Sequence[Row], theirs: Sequence[Row], choices: Sequence[Sequence[int]], most: int = MOST_STEPS
) -> bool:
    """Whether some choice of their columns makes the rows equal; `Undecided` after `most` looks at a row.

    Rows are numbered by what they hold in the columns chosen so far. A choice is dropped as soon as these
    beginnings of the rows differ, and of equal columns only the first is tried.
    """
    height = len(columns[0])
    most += height * len(columns)
    numbers: list[dict[tuple[int, Any], int]] = []
    counts: list[Counter[int]] = []
    ids = [0] * height
    for column in columns:
        table: dict[tuple[int, Any], int] = {}
        ids = [table.setdefault(pair, len(table)) for pair in zip(ids, column, strict=True)]
        numbers.append(table)
        counts.append(Counter(ids))
    kinds: dict[Row, int] = {}
    kind = [kinds.setdefault(column, len(kinds)) for column in theirs]
    waiting: list[tuple[tuple[int, ...], list[int]]] = [((), [0] * height)]
    while waiting:
        chosen, begun = waiting.pop()
        width = len(chosen)
        if width == len(columns):
            return True
        tried: set[int] = set()
        taken = set(chosen)
        for at in choices[width]:
            if at in taken or kind[at] in tried:
                continue
            tried.add(kind[at])
            most -= height
            if most < 0:
                raise Undecided("too many orders of the columns are possible")
            table = numbers[width]
            longer = [table.get(pair, -1) for pair in zip(begun, theirs[at], strict=True)]
            if Counter(longer) == counts[width]:
                waiting.append(((*chosen, at), longer))
    return False


class SqlEvaluator(CodeEvaluator):
    """Execution accuracy. `compare` is "columns" (Spider) or "set" (BIRD); `executable` counts what ran at
    all. `prefix` is what the prompt of a base model ended with: answers continue it. Results of more than
    `max_rows` rows are compared as far as that decides, and are an error where it does not.
    """

    parts: ClassVar[dict[str, str]] = {"executable": "executable_"}

    def __init__(
        self,
        compare: Literal["columns", "set"] = "columns",
        seconds: Seconds = 30,
        workers: Positive | None = None,
        k: Positive | Sequence[Positive] = (1,),
        min_isolation: Isolation = "strong",
        raw: bool = False,
        prefix: str = "",
        max_rows: Positive = 100_000,
    ) -> None:
        super().__init__(workers, k, min_isolation, raw)
        self.prefix = prefix
        self.max_rows = max_rows
        if compare not in ("columns", "set"):
            raise UserError(f"rows cannot be compared by {compare!r}", expected="columns or set")
        self.compare = compare
        self.limits = Limits(cpu_s=seconds, wall_s=3 * seconds, mem_mb=2048)

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Run the answered query and the gold one."""
        fields = sample.fields
        query = answer.text if self.raw else query_of(answer.text, self.prefix)
        if query is None or not query.strip():
            return not_run(sample, repeat, "unextracted", "no query in the answer", ("executable",))
        database = fields["database"]
        if not database:
            return Score(
                sample.id, repeat, "error", None, detail=f"the database {fields['db_id']!r} is not here"
            )
        wanted = self.sandbox.sql(database, fields["gold"], self.limits, self.max_rows)
        if wanted.outcome.status != "pass":
            return Score(
                sample.id, repeat, "error", None, detail=f"the gold query fails: {wanted.outcome.detail}"
            )
        got = self.sandbox.sql(database, query, self.limits, self.max_rows)
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
        try:
            same = self._same(wanted, got)
        except Undecided as undecided:
            return Score(sample.id, repeat, "error", None, {"executable": 1.0}, str(undecided), extra)
        detail = "" if same else f"{len(got.rows)} rows, {len(wanted.rows)} expected, or other values"
        return Score(
            sample.id, repeat, "right" if same else "wrong", same, {"executable": 1.0}, detail, extra
        )

    def _same(self, wanted: Rows, got: Rows) -> bool:
        """Whether the results are the same; `Undecided` where rows that were left out could tell."""
        if wanted.complete and got.complete:
            same = same_up_to_columns if self.compare == "columns" else same_set
            return same(wanted.rows, got.rows)
        if wanted.complete != got.complete and self.compare == "columns":
            return False  # one has more rows than the other
        if wanted.complete and not set(got.rows) <= set(wanted.rows):
            return False
        if got.complete and not set(wanted.rows) <= set(got.rows):
            return False
        raise Undecided(f"a result has more than {self.max_rows} rows, which were not all compared")
