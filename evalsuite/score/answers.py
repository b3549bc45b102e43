"""Answer files as they come: rows of id and prediction, or as EvalPlus, MultiPL-E, CRUXEval, BigCodeBench
write them.

Each row becomes an id with its answers. `form` says what a text is when a benchmark's own tool has put it
together: "completion" (goes behind the prompt as it stands), "solution" (a whole program), "generation"
(prompt and continuation, tests still missing) or "answer" (already extracted). Without a form it is what a
model said.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite.datasets.tables import open_bytes
from evalsuite.errors import UserError

_IDS = ("id", "task_id", "question_id", "_id", "sample_id")
_FORMS = {
    "solution": "solution",
    "completion": "completion",
    "generation": "generation",
}
_SAID = ("prediction", "predictions")
_ALSO_SAID = ("answer", "response", "output")


@dataclass(frozen=True)
class Given:
    """The answers to one problem."""

    id: str
    texts: tuple[str, ...]
    form: str = ""


def read_answers(path: Path) -> list[Given]:
    """All answers of a file, or of a folder of samples as EvalPlus keeps them.

    The benchmarks' own tools write several answers to one problem as several rows.
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise UserError("no such answer file", where=str(path))
    merged: dict[str, Given] = {}
    twice: list[str] = []
    for given in _read(path):
        before = merged.get(given.id)
        if before is not None and not given.form:
            twice.append(given.id)
        merged[given.id] = (
            given if before is None else Given(given.id, before.texts + given.texts, before.form)
        )
    if twice:
        raise UserError(
            f"{len(twice)} id(s) occur more than once: {', '.join(twice[:10])}",
            where=str(path),
            expected="one row for each id, with a list of predictions for several answers",
        )
    if not merged:
        raise UserError("there are no answers in this file", where=str(path))
    return list(merged.values())


def _read_folder(folder: Path) -> list[Given]:
    """EvalPlus's folder of samples: a folder for each problem (`HumanEval_0`), with programs 0.py, 1.py."""
    found: list[Given] = []
    for place in sorted(each for each in folder.iterdir() if each.is_dir()):
        programs = sorted(place.glob("*.py"), key=lambda file: (len(file.stem), file.stem))
        if programs:
            texts = tuple(_text(file.read_bytes(), file) for file in programs)
            found.append(Given("/".join(place.name.rsplit("_", 1)), texts, "solution"))
    if not found:
        raise UserError(
            "this folder holds no samples",
            where=str(folder),
            expected="a folder for each problem, as HumanEval_0, with programs 0.py, 1.py, ...; or a file",
        )
    return found


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"not a text file: {error}", where=str(path), expected="UTF-8") from error


def _read(path: Path) -> Iterator[Given]:
    try:
        with open_bytes(path) as file:
            data = file.read()
    except (EOFError, OSError, zlib.error) as error:
        raise UserError(f"the file cannot be read to its end: {error}", where=str(path)) from error
    text = _text(data, path)
    whole = _whole(text, path)
    if isinstance(whole, list):
        yield from (_row(row, path, number) for number, row in enumerate(whole, 1))
    elif isinstance(whole, dict) and not _is_row(whole):
        yield from _keyed(whole, path)
    elif isinstance(whole, dict):
        yield _row(whole, path, 1)
    else:
        # By line feeds alone: other ends of lines may stand inside a JSON text.
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield _row(_parsed(line, path, number), path, number)


def _whole(text: str, path: Path) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
            raise UserError(
                f"{len(names)} key(s) occur more than once: {', '.join(names[:10])}", where=str(path)
            )
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return None  # several documents: JSON lines


def _is_row(value: Mapping[str, Any]) -> bool:
    return any(isinstance(value.get(name), (str, int)) for name in _IDS)


def _parsed(line: str, path: Path, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"line {number} is no JSON: {error}", where=str(path)) from error


def _row(row: Any, path: Path, number: int) -> Given:
    if not isinstance(row, dict):
        raise UserError(f"row {number} is no JSON object", where=str(path), expected="id and prediction")
    name = next((name for name in _IDS if name in row), None)
    column = next((name for name in (*_SAID, *_FORMS, *_ALSO_SAID) if name in row), None)
    if name is None or column is None:
        raise UserError(
            f"row {number} has no {'id' if name is None else 'prediction'}; it has {', '.join(row)}",
            where=str(path),
            expected='{"id": ..., "prediction": ...}',
        )
    texts = _texts(row[column], path, str(row[name]))
    form = "" if column == "generation" and _is_said(row, texts) else _FORMS.get(column, "")
    return Given(str(row[name]), texts, form)


def _is_said(row: Mapping[str, Any], texts: Sequence[str]) -> bool:
    """Whether a `generation` is what a chat model said, and no prompt with its continuation.

    Qwen's evaluation writes `wholecode` beside continuations and `input_prompt` beside chat answers; in
    others' files it shows by the prompt.
    """
    if "input_prompt" in row or "wholecode" in row:
        return "wholecode" not in row
    prompt = row.get("prompt")
    return isinstance(prompt, str) and not all(text.lstrip().startswith(prompt.strip()) for text in texts)


def _keyed(whole: Mapping[str, Any], path: Path) -> Iterator[Given]:
    """Answers by id: CRUXEval's completion.json, or a plain object from id to text."""
    for name, value in whole.items():
        if isinstance(value, dict):
            yield _row({"id": name, **value}, path, 1)
        else:
            yield Given(name, _texts(value, path, name), "answer" if isinstance(value, list) else "")


def _texts(value: Any, path: Path, name: str) -> tuple[str, ...]:
    texts: Sequence[Any] = value if isinstance(value, list) else [value]
    for text in texts:
        if text is not None and not isinstance(text, str):
            raise UserError(
                f"the prediction of {name} is no text but a {type(text).__name__}",
                where=str(path),
                expected="a text or a list of texts",
            )
    return tuple(text or "" for text in texts)
