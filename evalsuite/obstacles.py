"""What stands in the way of judging a dataset on this machine, found before any answer is asked for."""

from __future__ import annotations

from dataclasses import replace

from evalsuite.datasets.build import build_dataset
from evalsuite.errors import UserError
from evalsuite.plan import Plan
from evalsuite.scoring import build_evaluator


def obstacles(plan: Plan) -> dict[str, str]:
    """Why a dataset cannot be judged here (a compiler or library that is missing, isolation that is too weak,
    files that are not at hand), by name.

    An evaluator that can tell has a method `obstacle`, which looks at as many of the samples as it wants.
    """
    found = dict(plan.blocked)
    for dataset in plan.datasets:
        evaluator = build_evaluator(dataset.config)
        look = getattr(evaluator, "obstacle", None)
        if look is None or dataset.abbr in found or not dataset.size:
            continue
        try:
            look(build_dataset(dataset.config).samples())
        except UserError as error:
            found[dataset.abbr] = error.render()
    return found


def without(plan: Plan, blocked: dict[str, str]) -> Plan:
    """The plan of what can be judged; the rest is remembered with its reason, and shown in the table."""
    pairs = tuple(pair for pair in plan.pairs if pair.dataset not in blocked)
    return replace(plan, pairs=pairs, blocked=blocked)
