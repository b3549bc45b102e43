"""From a dataset dict of a config to a dataset."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, cast

from evalsuite.datasets.base import Dataset
from evalsuite.datasets.check import nothing_left, selection_of
from evalsuite.datasets.slices import SlicedDataset, positions
from evalsuite.errors import UserError
from evalsuite.registry import resolve

ORCHESTRATOR_KEYS = frozenset(
    (
        "abbr",
        "type",
        "infer_cfg",
        "eval_cfg",
        "n",
        "k",
        "num_repeats",
        "test_range",
        "mode",
        "summarizer",
        "version",
    )
)


def build_dataset(config: Mapping[str, Any]) -> Dataset:
    """The dataset of a config dict, cut to its `test_range`."""
    factory = resolve(config["type"], "datasets")
    keywords = {key: value for key, value in config.items() if key not in ORCHESTRATOR_KEYS}
    accepted = inspect.signature(factory).parameters
    if "reader_cfg" in keywords and "reader_cfg" not in accepted:
        del keywords["reader_cfg"]
    dataset = cast(Dataset, factory(**keywords))
    key, wanted = selection_of(config)
    if wanted is None:
        return dataset
    rows = positions(len(dataset), wanted, where=f"{config['abbr']}.{key}")
    if not rows:
        raise nothing_left(config, len(dataset), config["abbr"])
    return SlicedDataset(dataset, rows)


def repeats_of(config: Mapping[str, Any]) -> int:
    """How many answers each sample gets."""
    wanted = config.get("n", config.get("num_repeats"))
    if wanted is None:
        return 1
    if int(wanted) < 1:
        raise UserError(f"{wanted!r} answers for each sample", where="n", expected="1 or more")
    return int(wanted)
