"""The evaluator that grades, from the benchmark's config and the user's options; all wrong ones are told
before anything is graded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalsuite.config.signature import check_keywords, fits, hints_of
from evalsuite.errors import UserError, UserErrors
from evalsuite.registry import resolve

_WHERE = "--option"


def evaluator_of(
    config: Mapping[str, Any], raw: bool, workers: int | None, options: Mapping[str, Any], most: int
) -> Any:
    """The evaluator of a benchmark with the user's options; `most` is how many answers a problem has at most.

    A config for base models expects continuations alone; answers made elsewhere are of any kind, so what the
    config says of their kind is left out.
    """
    evaluator = config["eval_cfg"]["evaluator"]
    own = {key: value for key, value in evaluator.items() if key not in ("extract", "chat", "type")}
    factory = resolve(evaluator["type"], "evaluators")
    hints = hints_of(factory)
    chosen = {key: _as_text(value, hints.get(key, Any)) for key, value in options.items()}
    errors = [
        *_flags_among(chosen, workers),
        *_wrong_keywords(factory, {**own, **chosen}),
    ]
    wrong = {error.where for error in errors}
    errors += [
        error
        for key, value in chosen.items()
        if _place(key) not in wrong
        for error in (_without_answers(value, most) if key == "k" else ())
    ]
    if errors:
        raise errors[0] if len(errors) == 1 else UserErrors(errors)
    given = {} if workers is None else {"workers": workers}
    return factory(**{**own, **chosen, **given, "raw": raw})


def _place(key: str) -> str:
    return f"{_WHERE} {key}"


def _wrong_keywords(factory: Any, keywords: Mapping[str, Any]) -> list[UserError]:
    """What is wrong by the types of the evaluator's keywords, as in a config; places as they are written."""
    found = check_keywords(factory, keywords, _WHERE, supplied=("raw",))
    return [
        UserError(
            error.what,
            where=error.where.replace(f"{_WHERE}.", f"{_WHERE} ", 1),
            expected=error.expected,
            nearest=error.nearest,
        )
        for error in found
    ]


def _as_text(value: Any, hint: Any) -> Any:
    """A number where only a text fits is that text: `python_semantics=3.8` names a version."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if number and not fits(value, hint) and fits(str(value), hint) else value


def _flags_among(options: Mapping[str, Any], workers: int | None) -> list[UserError]:
    """Options that a flag decides: one of the two would be ignored."""
    errors = []
    if "raw" in options:
        errors.append(UserError("'raw' is a flag and no option", where=_place("raw"), expected="--raw"))
    if "workers" in options and workers is not None:
        errors.append(
            UserError("the workers are given twice", where=_place("workers"), expected="--workers alone")
        )
    return errors


def _without_answers(k: int | Sequence[int], most: int) -> list[UserError]:
    """What of pass@k no problem has enough answers for."""
    where = _place("k")
    numbers = [k] if isinstance(k, int) else k
    if not numbers:
        return [UserError("no number is given", where=where, expected=f"whole numbers from 1 to {most}")]
    return [
        UserError(f"no problem has {number} answers", where=where, expected=f"at most {most}")
        for number in numbers
        if number > most
    ]
