"""Answer rows: how an answer becomes a line, where the attempts at a shard lie, and how they merge."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalsuite.store.entries import Entry, listed
from evalsuite.store.rows import Row, read_rows
from evalsuite.types import Answer, Failure, OptionScore, ToolCall


def shard_name(start: int, stop: int, fingerprint: str) -> str:
    """The name of a slice's row files; the fingerprint keeps rows of a changed config apart."""
    return f"{start:07d}-{stop:07d}-{fingerprint[:12]}"


def answer_row(key: str, index: int, sample_id: str, repeat: int, prompt: Any, answer: Answer) -> Row:
    """One line of a predictions file. The key comes first, so that a search need not parse the rest."""
    body: Row = {"text": answer.text, "finish": answer.finish}
    if answer.options:
        body["options"] = [[o.logprob, o.tokens, o.scored, o.greedy] for o in answer.options]
    if answer.tool_calls:
        body["tool_calls"] = [[c.name, dict(c.arguments), c.id] for c in answer.tool_calls]
    if answer.reasoning:
        body["reasoning"] = answer.reasoning
    if answer.extra:
        body["extra"] = dict(answer.extra)
    if answer.error:
        body["error"] = [answer.error.kind, answer.error.message, answer.error.transient]
    body["tokens"] = [answer.prompt_tokens, answer.output_tokens]
    body["seconds"] = round(answer.seconds, 4)
    return {"key": key, "index": index, "id": sample_id, "repeat": repeat, "answer": body, "prompt": prompt}


def row_answer(row: Mapping[str, Any]) -> Answer:
    """The answer that a line stands for."""
    body = row["answer"]
    prompt_tokens, output_tokens = body.get("tokens", (0, 0))
    error = body.get("error")
    return Answer(
        key=row["key"],
        text=body.get("text", ""),
        options=tuple(OptionScore(*option) for option in body.get("options", ())),
        finish=body.get("finish", "unknown"),
        tool_calls=tuple(ToolCall(name, arguments, id) for name, arguments, id in body.get("tool_calls", ())),
        reasoning=body.get("reasoning", ""),
        prompt_tokens=prompt_tokens,
        output_tokens=output_tokens,
        seconds=body.get("seconds", 0.0),
        error=Failure(*error) if error else None,
        extra=body.get("extra", {}),
    )


def failed(row: Mapping[str, Any]) -> bool:
    """Whether a row says that there is no answer."""
    return "error" in row["answer"]


def answer_file(shard: str, attempt: int) -> str:
    """The name of the row file of one attempt at a slice's answers."""
    return f"{shard}.{attempt}.jsonl"


def score_file(shard: str, entry: Entry) -> str:
    """The name of the row file of one attempt at judging a slice, which may have been answered anew."""
    return f"{shard}.{entry.answers}-{entry.attempts}.jsonl"


def merged_rows(folder: Path, shard: str, attempts: int) -> dict[tuple[int, int], Row]:
    """The rows of a shard by (sample, repeat): an answer beats a failure, else the first attempt wins.

    The attempts are counted by the task's entry, so their files are opened by name: a folder that holds what
    thousands of others wrote is not listed.
    """
    rows: dict[tuple[int, int], Row] = {}
    for attempt in range(attempts):
        try:
            for row in read_rows(folder / answer_file(shard, attempt)):
                place = (row["index"], row["repeat"])
                known = rows.get(place)
                if known is None or (failed(known) and not failed(row)):
                    rows[place] = row
        except FileNotFoundError:
            continue  # an attempt that ended before its first answer
    return rows


def shard_files(folder: Path) -> dict[str, list[str]]:
    """The names of the row files in a folder by their shard, the first attempt first; one listing for all."""
    found: dict[str, list[tuple[list[int], str]]] = {}
    for name in listed(str(folder)):
        shard, _, rest = name.partition(".")
        attempt = rest.removesuffix(".jsonl").split("-")
        if rest.endswith(".jsonl") and all(part.isdigit() for part in attempt):
            found.setdefault(shard, []).append(([int(part) for part in attempt], name))
    return {shard: [name for _, name in sorted(files)] for shard, files in found.items()}


def attempts_of(names: Sequence[str]) -> int:
    """The number of the next attempt at a shard that has these row files."""
    return max((int(re.split(r"[.-]", name)[-2]) + 1 for name in names), default=0)
