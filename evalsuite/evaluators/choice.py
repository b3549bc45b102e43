"""Which evaluator an `eval_cfg` chooses, and what it wants of a dataset, without building it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from evalsuite.registry import resolve


def evaluator_for(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """A dataset's evaluator. The dataset's own `k` counts where that knows pass@k and names no k itself; one
    number is shown beside pass@1.
    """
    chosen = evaluator_of(dataset.get("eval_cfg") or {})
    k = dataset.get("k")
    if k is not None and "k" not in chosen and knows_k(chosen):
        chosen["k"] = sorted({1, k}) if isinstance(k, int) else list(k)
    return chosen


def knows_k(evaluator: Mapping[str, Any]) -> bool:
    """Whether an evaluator makes pass@k of a sample's answers."""
    return "k" in inspect.signature(resolve(evaluator["type"], "evaluators")).parameters


def evaluator_of(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The evaluator's dict; where none is named, answers are compared as texts."""
    return dict(evaluation.get("evaluator") or {"type": "AccEvaluator"})


def needs_reference(evaluation: Mapping[str, Any]) -> bool:
    """Whether its verdict on an answer says nothing where the sample has no reference."""
    return bool(getattr(resolve(evaluator_of(evaluation)["type"], "evaluators"), "needs_reference", False))
