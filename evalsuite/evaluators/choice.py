"""Which evaluator an `eval_cfg` chooses, and what it wants of a dataset, without building it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalsuite.registry import resolve


def evaluator_of(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The evaluator's dict; where none is named, answers are compared as texts."""
    return dict(evaluation.get("evaluator") or {"type": "AccEvaluator"})


def needs_reference(evaluation: Mapping[str, Any]) -> bool:
    """Whether its verdict on an answer says nothing where the sample has no reference."""
    return bool(getattr(resolve(evaluator_of(evaluation)["type"], "evaluators"), "needs_reference", False))
