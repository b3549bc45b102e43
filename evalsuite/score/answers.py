"""Answer files as they come: rows of id and prediction, or as EvalPlus, MultiPL-E, CRUXEval, BigCodeBench
write them.

Each row becomes an id with its answers. `form` says what a text is when a benchmark's own tool has put it
together: "completion" (goes behind the prompt as it stands), "solution" (a whole program), "generation"
(prompt and continuation, tests still missing) or "answer" (already extracted). Without a form it is what a
model said.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite.datasets.tables import open_bytes, reading
from evalsuite.errors import UserError, nearest_name

_IDS = ("id", "task_id", "question_id", "_id", "sample_id")
_FORMS = {
    "solution": "solution",
    "completion": "completion",
    "generation": "generation",
}
_SAID = ("prediction", "predictions")
_ALSO_SAID = ("answer", "response", "output")
_TEXTS = (*_SAID, *_FORMS, *_ALSO_SAID)
_NEAR = 0.8


@dataclass(frozen=True)
class Given:
    """The answers to one problem."""

    id: str
    texts: tuple[str, ...]
    form: str = ""


def read_answers(path: Path) -> list[Given]:
    """All answers of a file, or of a folder of samples as EvalPlus keeps them.

    The benchmarks' own tools write several answers to one problem as several rows, all of one form: rows of
    two forms are of two files, and nobody has said which of them count.
    """
    with reading(path):
        if path.is_dir():
            return _read_folder(path)
        if not path.is_file():
            raise UserError("no such answer file", where=str(path))
    merged: dict[str, Given] = {}
    twice: list[str] = []
    for given in _read(path):
        before = merged.get(given.id)
        if before is not None and before.form != given.form:
            forms = " and ".join(sorted(each.form or "prediction" for each in (before, given)))
            raise UserError(
                f"the answers to {given.id} are of two forms: {forms}",
                where=str(path),
                expected="one form for all answers to a problem",
            )
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
    with reading(path), open_bytes(path) as file:
        data = file.read()
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
    """Whether an object is one row, and no answers by id: its keys are those of rows, or nearly."""
    if value and all(isinstance(each, dict) for each in value.values()):
        return False
    named = any(name in value for name in (*_IDS, *_TEXTS))
    return named or any(difflib.get_close_matches(name, _TEXTS, n=1, cutoff=_NEAR) for name in value)


def _parsed(line: str, path: Path, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"line {number} is no JSON: {error}", where=str(path)) from error


def _row(row: Any, path: Path, number: int) -> Given:
    if not isinstance(row, dict):
        raise UserError(f"row {number} is no JSON object", where=str(path), expected="id and prediction")
    name = _id(row, path, number)
    column = next((each for each in _TEXTS if each in row), None)
    if column is None:
        raise _lacking(row, "prediction", _TEXTS, path, number)
    also = next((each for each in (*_SAID, *_FORMS) if each != column and each in row), None)
    if also is not None and column in _SAID and row[also] != row[column]:
        raise UserError(
            f"the row of {name} has a {column!r} and a {also!r}: which one is to be graded?",
            where=str(path),
            expected="one of them",
        )
    texts = _texts(row[column], path, name)
    form = "" if column == "generation" and _is_said(row, texts) else _FORMS.get(column, "")
    return Given(name, texts, form)


def _id(row: Mapping[str, Any], path: Path, number: int) -> str:
    """The id of a row: a text, or a number as a text."""
    column = next((name for name in _IDS if row.get(name) is not None), None)
    if column is None:
        if any(name in row for name in _IDS):
            raise UserError(f"the id of row {number} is null", where=str(path), expected="a problem's id")
        raise _lacking(row, "id", _IDS, path, number)
    value = row[column]
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise UserError(
            f"the id of row {number} is {value!r:.60}, a {type(value).__name__}",
            where=str(path),
            expected="a text or a whole number",
        )
    return str(value)


def _lacking(row: Mapping[str, Any], what: str, names: Sequence[str], path: Path, number: int) -> UserError:
    """The error for a row without an id or a text; a mistyped key gets the name that it is nearest to."""
    known = {*_IDS, *_TEXTS}
    near = (nearest_name(str(key), names) for key in row if key not in known)
    return UserError(
        f"row {number} has no {what}; it has {', '.join(map(str, row)) or 'nothing'}",
        where=str(path),
        expected='{"id": ..., "prediction": ...}',
        nearest=next(filter(None, near), ""),
    )


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
