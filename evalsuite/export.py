"""Results and predictions in the layout that people's scripts read, made from the rows as a stream."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from evalsuite.datasets.build import build_dataset
from evalsuite.plan import Pair, Plan
from evalsuite.store.answers import attempts_of, merged_rows, shard_files, shard_name
from evalsuite.store.folder import RunFolder
from evalsuite.store.rows import read_rows
from evalsuite.summarizers.export import write_predictions, write_results
from evalsuite.types import Result


def export_pair(folder: RunFolder, plan: Plan, pair: Pair, result: Result, *, details: bool) -> None:
    """Write `results/MODEL/DATASET.json` and `predictions/MODEL/DATASET.json`.

    With `details` the results carry each sample's prompt, answer and verdict. One slice at a time is in
    memory.
    """
    size = plan.dataset(pair.dataset).size
    with _replacing(folder.result_file(pair.model, pair.dataset)) as file:
        write_results(file, result, _rows(folder, plan, pair, scored=True) if details else None, size=size)
    if details:
        place = folder.predictions(pair.model, pair.dataset)
        with _replacing(place.with_name(f"{place.name}.json")) as file:
            write_predictions(file, _rows(folder, plan, pair, scored=False), size=size)


def _rows(folder: RunFolder, plan: Plan, pair: Pair, *, scored: bool) -> Iterator[dict[str, Any]]:
    dataset = build_dataset(plan.dataset(pair.dataset).config)
    answered = folder.predictions(pair.model, pair.dataset)
    judged = folder.scores(pair.model, pair.dataset)
    answer_files = shard_files(answered)
    score_files = shard_files(judged) if scored else {}
    for start, stop in pair.slices:
        shard = shard_name(start, stop, pair.fingerprint)
        answers = merged_rows(answered, shard, attempts_of(answer_files.get(shard, ())))
        scores: dict[tuple[int, int], dict[str, Any]] = {}
        for name in score_files.get(shard_name(start, stop, pair.eval_fingerprint), ()):
            scores.update(((row["index"], row["repeat"]), row) for row in read_rows(judged / name))
        gold = {sample.index: sample.reference for sample in dataset.samples(start, stop)}
        for place in sorted(answers):
            yield {**_plain(answers[place]), "gold": gold.get(place[0]), "score": scores.get(place)}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its short lists spelt out."""
    answer = dict(row["answer"])
    if "options" in answer:
        names = ("logprob", "tokens", "scored", "greedy")
        answer["options"] = [dict(zip(names, option, strict=True)) for option in answer["options"]]
    if "error" in answer:
        answer["error"] = dict(zip(("kind", "message", "transient"), answer["error"], strict=True))
    return {**row, "answer": answer}


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A file that takes the place of the old one only when it was written whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
