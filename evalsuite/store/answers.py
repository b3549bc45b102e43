"""Answer rows: how an answer becomes a line, how attempts at a shard merge, how old answers are found."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalsuite.store.folder import RunFolder
from evalsuite.store.rows import Row, read_lines, read_rows, shard_files
from evalsuite.types import Answer, Failure, OptionScore, ToolCall

KEY_AT = len('{"key":"')
_SHARD = re.compile(r"(\d+)-(\d+)-[0-9a-f]+$")


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


def merged_rows(folder: Path, shard: str) -> dict[tuple[int, int], Row]:
    """The rows of a shard by (sample, repeat): an answer beats a failure, else the first attempt wins."""
    rows: dict[tuple[int, int], Row] = {}
    for path in shard_files(folder, shard):
        for row in read_rows(path):
            place = (row["index"], row["repeat"])
            known = rows.get(place)
            if known is None or (failed(known) and not failed(row)):
                rows[place] = row
    return rows


def find_answers(
    runs: Sequence[RunFolder],
    model: str,
    dataset: str,
    span: tuple[int, int],
    wanted: Collection[str],
    fingerprint: str = "",
) -> Iterator[tuple[RunFolder, Row]]:
    """Old answers to these request keys, in these runs, in that order; each key at most once, failures never.

    Files of the same stretch of the dataset are looked at first; only for what is missing then (rows were
    inserted, slices moved) the other files are searched. Of those, files of the same `fingerprint` hold other
    samples of the very same plan, and are left alone: else each task would read what all others wrote.
    Lines are compared by their key without parsing.
    """
    missing = {key.encode() for key in wanted}
    folders = [(run, run.predictions(model, dataset)) for run in runs]
    listed = [(run, folder, _names(folder)) for run, folder in folders]
    same = f"-{fingerprint[:12]}."
    for near in (True, False):
        for run, folder, names in listed:
            if not missing:
                return
            for name in names:
                if _overlaps(name, span) == near and (near or not fingerprint or same not in name):
                    for row in _search(folder / name, missing):
                        yield run, row


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.name.endswith(".jsonl"))
    except FileNotFoundError:
        return []


def _search(path: Path, missing: set[bytes]) -> Iterator[Row]:
    for line in read_lines(path):
        key = line[KEY_AT : KEY_AT + 32]
        if key not in missing:
            continue
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if not failed(row):
            missing.discard(key)
            yield row


def _overlaps(name: str, span: tuple[int, int]) -> bool:
    match = _SHARD.match(name.split(".", 1)[0])
    return match is not None and int(match[1]) < span[1] and span[0] < int(match[2])
