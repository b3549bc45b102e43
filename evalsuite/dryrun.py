"""What a run would do: its tasks, the first prompt of each dataset, and how long it may take."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from evalsuite.datasets.build import build_dataset
from evalsuite.partitioners import makespan
from evalsuite.plan import Pair, Plan
from evalsuite.prompts_of import rendered

SHOWN_CHARS = 600


def describe_plan(plan: Plan, *, workers: int, timed: Iterable[str] = ()) -> str:
    """The text of `--dry-run`. `timed` are the `MODEL/DATASET` pairs that earlier runs have measured."""
    return "\n".join([*_lines(plan, workers, {pair.partition("/")[0] for pair in timed})]) + "\n"


def _lines(plan: Plan, workers: int, timed: Collection[str]) -> Iterator[str]:
    yield "tasks (model x dataset: tasks, samples, repeats, estimate)"
    for pair in plan.pairs:
        dataset = plan.dataset(pair.dataset)
        seconds = pair.seconds * dataset.size
        yield (
            f"  {pair.model} x {pair.dataset} [{pair.mode}, {pair.version}]: {len(pair.slices)} tasks, "
            f"{dataset.size} samples x {dataset.repeats}, about {span(seconds)}"
        )
    costs = [task.cost for task in plan.tasks("infer")]
    yield (
        f"infer tasks: {len(costs)}, eval tasks: {len(costs)}, workers: {workers}; "
        f"planned makespan {span(makespan(costs, workers))} (sum {span(sum(costs))})"
    )
    guessed = [model.abbr for model in plan.models if model.abbr not in timed]
    if guessed:
        yield (
            f"no earlier run in this work directory has timed {', '.join(guessed)}: "
            "the estimate is a guess, for some billions of parameters on one GPU"
        )
    shown: set[str] = set()
    for pair in plan.pairs:
        if pair.dataset not in shown:
            shown.add(pair.dataset)
            yield from _prompt(plan, pair)


def _prompt(plan: Plan, pair: Pair) -> Iterator[str]:
    entry = plan.dataset(pair.dataset)
    for sample in islice(build_dataset(entry.config).samples(0, 1), 1):
        text = rendered(plan, pair, sample)
        cut = text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]} ... ({len(text)} characters)"
        yield f"\nfirst prompt of {pair.dataset} for {pair.model} (sample {sample.id}):"
        yield from (f"  | {line}" for line in cut.split("\n"))


def span(seconds: float) -> str:
    """A duration for people."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
