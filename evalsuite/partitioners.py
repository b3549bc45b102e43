"""How the work of a model is cut into tasks. Pure functions over sizes and costs.

Workers pull tasks, so a partitioner only decides how large they are: small enough that the last ones end
together and a lost one costs little, large enough that claiming is nothing beside the work.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from evalsuite.errors import UserError, nearest_name

Kind = Literal["naive", "size", "num_worker"]
MAX_SAMPLES = 5_000
"""No task is larger than this whatever the partitioner: what one task holds in memory stays bounded."""

DEFAULT_MIN_TASK = 16
DEFAULT_NUM_WORKER = 8
DEFAULT_MAX_TASK_SIZE = 40_000
GEN_FACTOR = 20
TASKS_PER_WORKER = 4
"""A worker's share is cut into this many tasks, so that the last ones to end are short."""

_KEYS: Mapping[str, tuple[str, ...]] = {
    "naive": ("type", "n"),
    "size": ("type", "max_task_size", "gen_task_coef", "strategy", "dataset_size_path"),
    "num_worker": (
        "type",
        "num_worker",
        "num_split",
        "min_task_size",
        "strategy",
        "dataset_size_path",
        "force_rebuild",
    ),
}
_NAMES: Mapping[str, Kind] = {
    "naive": "naive",
    "NaivePartitioner": "naive",
    "size": "size",
    "SizePartitioner": "size",
    "num_worker": "num_worker",
    "NumWorkerPartitioner": "num_worker",
}


@dataclass(frozen=True)
class Load:
    """What a partitioner knows of a (model x dataset): how many samples, and what one of them costs.

    `seconds` is the estimate for one sample with all its repeats; `calls` is how many model calls it makes
    (options x repeats), which is what OpenCompass's size partitioner counts.
    """

    size: int
    seconds: float
    calls: int = 1
    generates: bool = True


@dataclass(frozen=True)
class Partitioner:
    """A partitioner of a config: its kind and its few numbers."""

    kind: Kind = "num_worker"
    num_worker: int = DEFAULT_NUM_WORKER
    min_task_size: int = DEFAULT_MIN_TASK
    max_task_size: int = DEFAULT_MAX_TASK_SIZE
    gen_task_coef: int = GEN_FACTOR

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any] | None, *, where: str = "infer.partitioner"
    ) -> Partitioner:
        """Read a partitioner dict; OpenCompass's class names and keys are understood."""
        config = dict(config or {})
        name = str(config.get("type", "num_worker")).rpartition(".")[2]
        kind = _NAMES.get(name)
        if kind is None:
            raise UserError(
                f"no partitioner {name!r}",
                where=where,
                expected="naive, size or num_worker",
                nearest=nearest_name(name, _NAMES),
            )
        for key, value in config.items():
            if key not in _KEYS[kind]:
                raise UserError(
                    f"unknown key {key!r}",
                    where=where,
                    expected=", ".join(_KEYS[kind]),
                    nearest=nearest_name(key, _KEYS[kind]),
                )
            if key in ("num_worker", "min_task_size", "max_task_size", "gen_task_coef") and (
                not isinstance(value, int) or isinstance(value, bool) or value < 1
            ):
                raise UserError(
                    f"{value!r} is wrong", where=f"{where}.{key}", expected="a whole number from 1"
                )
        numbers = {key: config[key] for key in config if key in cls.__dataclass_fields__}
        return cls(kind=kind, **numbers)

    def cut(self, loads: Sequence[Load]) -> list[list[tuple[int, int]]]:
        """The slices of each load, all of one model."""
        if self.kind == "naive":
            return [slices(load.size, MAX_SAMPLES) for load in loads]
        if self.kind == "size":
            return [slices(load.size, min(MAX_SAMPLES, self._samples_by_size(load))) for load in loads]
        total = sum(load.size * load.seconds for load in loads)
        share = total / (self.num_worker * TASKS_PER_WORKER)
        return [
            slices(load.size, min(MAX_SAMPLES, max(self.min_task_size, _samples(share, load.seconds))))
            for load in loads
        ]

    def _samples_by_size(self, load: Load) -> int:
        per_sample = load.calls * (self.gen_task_coef if load.generates else 1)
        return max(1, self.max_task_size // per_sample)


def _samples(share: float, seconds: float) -> int:
    return math.ceil(share / seconds) if share < MAX_SAMPLES * seconds else MAX_SAMPLES


def slices(size: int, largest: int) -> list[tuple[int, int]]:
    """Half-open ranges of nearly equal length that cover `size` samples, none longer than `largest`."""
    count = max(1, math.ceil(size / largest)) if size else 0
    edges = [round(size * part / count) for part in range(count + 1)] if count else []
    return list(pairwise(edges))


def makespan(costs: Iterable[float], workers: int) -> float:
    """How long the tasks take when each worker pulls the longest one left (seconds of the estimate)."""
    loads = [0.0] * max(1, workers)
    for cost in sorted(costs, reverse=True):
        heapq.heapreplace(loads, loads[0] + cost)
    return max(loads)
