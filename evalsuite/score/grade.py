"""From a benchmark's name and an answer file to verdicts, a file of scores and a printed table."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalsuite.datasets.build import build_dataset
from evalsuite.datasets.tables import reading
from evalsuite.errors import UserError, nearest_name
from evalsuite.score.answers import Given, read_answers
from evalsuite.score.names import config_of
from evalsuite.score.options import evaluator_of
from evalsuite.stats import edge_bound
from evalsuite.types import Answer, Metric, Sample, Score

_SHOWN = 10


def grade(
    name: str,
    answers: str | Path,
    data: str | Path | None = None,
    raw: bool = False,
    out: str | Path | None = None,
    workers: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> int:
    """Grade a file of answers; the exit status is 1 when some could not be judged, else 0.

    `data` takes another problem file of the same format, `raw` grades texts as they stand, `out` is the
    folder for `scores.jsonl`, `options` are keywords of the benchmark's evaluator.
    """
    if workers is not None and workers < 1:
        raise UserError(f"{workers} sandbox workers can do nothing", where="--workers", expected="1 or more")
    for word, path in (("ANSWERS", answers), ("--data", data), ("--out", out)):
        if path is not None and not str(path):
            raise UserError("the name is empty", where=word, expected="a path")
    config = dict(config_of(name))
    given = read_answers(Path(answers))
    most = max(len(each.texts) for each in given)
    evaluator = evaluator_of(config, raw, workers, options or {}, most)
    folder = Path(out) if out is not None else None
    scores = []
    try:
        warm = getattr(evaluator, "warm", None)
        if warm is not None:
            warm(sum(len(each.texts) for each in given))
        pairs = matched(given, _problems(config, data), str(answers))
        with _Rows(folder) as rows:
            for score in evaluator.score(pairs):
                rows.write(score)
                scores.append(score)
        metrics = evaluator.aggregate(scores)
    finally:
        close = getattr(evaluator, "close", None)
        if close is not None:
            close()
    said = [table(name, metrics, scores), *_without_value(getattr(evaluator, "ks", ()), metrics)]
    sys.stdout.write("\n".join(said) + "\n")
    return 1 if any(score.status == "error" for score in scores) else 0


def _problems(config: Mapping[str, Any], data: str | Path | None) -> dict[str, Sample]:
    """The benchmark's problems by id, of its own file or of another one of the same format."""
    if data is None:
        return {sample.id: sample for sample in build_dataset(config).samples()}
    with reading(Path(data)):
        if Path(data).is_dir():
            raise UserError("this is a folder", where=str(data), expected="a file of problems")
        samples = {sample.id: sample for sample in build_dataset({**config, "path": str(data)}).samples()}
    if not samples:
        raise UserError("there are no problems in this file", where=str(data))
    return samples


def _without_value(ks: Iterable[int], metrics: Mapping[str, Metric]) -> list[str]:
    """What is said of each pass@k that no problem has enough answers for."""
    return [f"pass@{k}: no problem has {k} answers" for k in ks if f"pass@{k}" not in metrics]


def matched(
    given: Iterable[Given], samples: Mapping[str, Sample], where: str
) -> Iterator[tuple[Sample, list[Answer]]]:
    """Each problem with its answers, in the order of the answers; ids must be those of the problems."""
    rows = list(given)
    names = _renamed(rows, samples)
    unknown = [each.id for each, known in zip(rows, names, strict=True) if known is None]
    if unknown:
        close = nearest_name(unknown[0], samples)
        raise UserError(
            f"{len(unknown)} unknown id(s): {_listed(unknown)}",
            where=where,
            expected=f"ids like {next(iter(samples), '')!r}",
            nearest=close,
        )
    times = Counter(names)
    twice = [str(each) for each, count in times.items() if count > 1]
    if twice:
        raise UserError(f"{len(twice)} id(s) given twice: {_listed(twice)}", where=where)
    missing = [each for each in samples if each not in times]
    if missing:
        again = next((each for each in missing if each.rpartition("#")[0] in samples), "")
        first = again.rpartition("#")[0]
        raise UserError(
            f"no answer for {len(missing)} id(s): {_listed(missing)}"
            + (f" (the problem file has {first} more than once)" if again else ""),
            where=where,
            expected=f"{again} as the id of an answer to the later one of these problems" if again else "",
        )
    empty = [each.id for each in rows if not each.texts]
    if empty:
        raise UserError(f"no prediction in {len(empty)} row(s): {_listed(empty)}", where=where)
    return (
        (samples[str(known)], [_answer(text, each.form) for text in each.texts])
        for each, known in zip(rows, names, strict=True)
    )


def _renamed(rows: Sequence[Given], samples: Mapping[str, Sample]) -> list[str | None]:
    """The problem's id for each row: exact, or a bare last part where only one has it (`2` for `Mbpp/2`)."""
    tails: dict[str, str | None] = {}
    for name in samples:
        tail = name.rpartition("/")[2]
        tails[tail] = None if tail in tails else name
    return [each.id if each.id in samples else tails.get(each.id) for each in rows]


def _answer(text: str, form: str) -> Answer:
    return Answer(key="", text=text, extra={"form": form} if form else {})


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


class _Rows:
    """Writes one line per score as it comes."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._file: Any = None

    def __enter__(self) -> _Rows:
        if self._folder is not None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = (self._folder / "scores.jsonl").open("w", encoding="utf-8")
            except OSError as error:
                raise UserError(
                    f"scores cannot be written there: {error}", where=str(self._folder), expected="a folder"
                ) from error
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, score: Score) -> None:
        """One score as a line."""
        if self._file is not None:
            line = json.dumps(score_row(score), ensure_ascii=False)
            self._file.write(line.encode("utf-8", "replace").decode() + "\n")


def score_row(score: Score) -> dict[str, Any]:
    """What is kept of one score: the verdict, why, how far it can be trusted, and its cost."""
    extra = dict(score.extra)
    return {
        "id": score.id,
        "repeat": score.repeat,
        "correct": score.correct,
        "metrics": dict(score.metrics),
        "status": score.status,
        "detail": score.detail,
        "isolation": extra.pop("isolation", ""),
        "integrity": extra.pop("integrity", ""),
        "cpu_s": extra.pop("cpu_s", 0.0),
        **extra,
    }


def table(name: str, metrics: Mapping[str, Metric], scores: Sequence[Score]) -> str:
    """The metrics with n and standard error, and how the answers fell out."""
    from tabulate import tabulate

    rows = [
        (name, metric_name, f"{m.value:.2f}" if m.n else "none", m.n, _doubt(m))
        for metric_name, m in metrics.items()
    ]
    counts = Counter(score.status for score in scores)
    kinds = ", ".join(f"{status} {count}" for status, count in counts.most_common())
    walls = Counter(
        (score.extra.get("isolation", ""), score.extra.get("integrity", ""))
        for score in scores
        if score.extra.get("isolation") not in (None, "", "none")
    )
    trust = ", ".join(f"{level}/{kind} {count}" for (level, kind), count in walls.most_common())
    text = tabulate(rows, headers=("benchmark", "metric", "value", "n", "stderr"), disable_numparse=True)
    times = Counter(score.id for score in scores).values()
    each = "" if len(set(times)) < 2 else f", {min(times)} to {max(times)} a problem"
    text += f"\nanswers: {len(scores)} ({kinds}){each}"
    if trust:
        text += f"\nisolation/integrity: {trust}"
    errors = [score for score in scores if score.status == "error"]
    for score in errors[:_SHOWN]:
        text += f"\nnot judged: {score.id}: {score.detail}"
    return text


def _doubt(metric: Metric) -> str:
    """The standard error, or the bound of a rate at 0 or 100 that has none."""
    bound = edge_bound(metric)
    if bound is not None:
        return f"{'≥' if metric.value else '≤'}{bound:.2f}"
    return "" if metric.stderr is None else f"{metric.stderr:.2f}"
