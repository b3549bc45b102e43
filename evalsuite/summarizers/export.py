"""Predictions and results in OpenCompass's JSON layout, since people's scripts read it.

Rows go in as a stream and out as they come, so that a million of them need no memory. Keys are positions as
text: repeat r of sample i is `r * size + i`, which is how a dataset repeated n times is numbered there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TextIO

from evalsuite.stats import edge_bound
from evalsuite.types import Result

ROLES = {"user": "HUMAN", "assistant": "BOT", "system": "SYSTEM", "tool": "TOOL"}


def write_predictions(file: TextIO, rows: Iterable[Mapping[str, Any]], *, size: int) -> int:
    """Write `predictions/MODEL/DATASET.json` and return the number of entries.

    A row is {"id", "index", "repeat", "prompt", "answer": {"text", ...}, "gold"}; `size` is the number of
    samples. A failed answer is an empty prediction with its `error` beside it.
    """
    return _write_object(file, ((_key(row, size), prediction_entry(row)) for row in rows))


def write_results(
    file: TextIO, result: Result, rows: Iterable[Mapping[str, Any]] | None = None, *, size: int = 0
) -> int:
    """Write `results/MODEL/DATASET.json`: the metrics, and with rows the details of each sample.

    For details a row carries its verdict too: "score": {"status", "correct", "extra": {"extracted"...}}.
    """
    heads = [(name, metric.value if metric.n else None) for name, metric in result.metrics.items()]
    first = next(iter(result.metrics.values()), None)
    facts: list[tuple[str, Any]] = [
        ("n", first.n if first else 0),
        ("stderr", {name: metric.stderr for name, metric in result.metrics.items()}),
        ("bound", {name: edge_bound(metric) for name, metric in result.metrics.items()}),
        ("failed", result.counts.errors),
    ]
    file.write("{\n")
    file.write(",\n".join(f"    {_dump(name)}: {_dump(value)}" for name, value in [*heads, *facts]))
    count = 0
    if rows is not None:
        file.write(',\n    "details": ')
        kind = "GEN" if result.mode in ("gen", "") else result.mode.upper()
        details = ((_key(row, size), detail_entry(row)) for row in rows)
        count = _write_object(file, chain([("type", kind)], details)) - 1
    file.write("\n}\n")
    return count


def prediction_entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """One answer as OpenCompass's inferencers write it, by generation or by perplexity."""
    answer = row["answer"]
    entry: dict[str, Any]
    if answer.get("options"):
        entry = {"in-context examples": "", **_label_entries(row["prompt"], answer["options"])}
    else:
        entry = {"origin_prompt": _origin_prompt(row["prompt"])}
    entry["prediction"] = answer.get("text", "")
    if row.get("gold") is not None:
        entry["gold"] = row["gold"]
    error = _error(answer)
    if error:
        entry["error"] = error
    return entry


def detail_entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """One sample as OpenCompass's evaluators detail it."""
    score = row.get("score") or {}
    text = row["answer"].get("text", "")
    entry = {
        "example_id": row["id"],
        "prompt": _origin_prompt(row["prompt"]),
        "origin_prediction": text,
        "predictions": (score.get("extra") or {}).get("extracted", text),
        "references": row.get("gold"),
        "correct": score.get("correct"),
        "status": score.get("status", ""),
    }
    if score.get("detail"):
        entry["detail"] = score["detail"]
    return entry


def _key(row: Mapping[str, Any], size: int) -> str:
    return str(row["index"] + row.get("repeat", 0) * size)


def _label_entries(prompt: Any, options: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    labels = prompt if isinstance(prompt, Mapping) else {str(i): prompt for i in range(len(options))}
    entries: dict[str, Any] = {}
    for (label, text), option in zip(labels.items(), options, strict=False):
        scored = option.get("scored") or 0
        shown = _origin_prompt(text)
        entries[f"label: {label}"] = {
            "testing input": shown,
            "prompt": shown,
            "PPL": -option["logprob"] / scored if scored else None,
        }
    return entries


def _origin_prompt(prompt: Any) -> Any:
    """Text as it is; messages under the role names that OpenCompass uses."""
    if isinstance(prompt, Mapping):
        return {label: _origin_prompt(text) for label, text in prompt.items()}
    if not isinstance(prompt, (list, tuple)):
        return prompt
    return [
        {
            "role": ROLES.get(str(message.get("role")), str(message.get("role"))),
            "prompt": message.get("content", message.get("prompt", "")),
        }
        for message in prompt
    ]


def _error(answer: Mapping[str, Any]) -> str:
    error = answer.get("error")
    if isinstance(error, Mapping):
        return f"{error.get('kind', 'error')}: {error.get('message', '')}"
    return str(error or "")


def _write_object(file: TextIO, entries: Iterable[tuple[str, Any]]) -> int:
    count = 0
    for part in _lines(entries):
        file.write("{\n" if not count else ",\n")
        file.write(part)
        count += 1
    file.write("\n}" if count else "{}")
    return count


def _lines(entries: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for key, value in entries:
        yield f"    {_dump(key)}: {_dump(value)}"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
