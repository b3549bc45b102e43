"""A config as the rest of the program sees it: plain data with every model and dataset named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

PlainDict = dict[str, Any]

# Top-level keys that have a meaning; every other name in a config file is the user's own variable.
SECTIONS = ("models", "datasets", "summarizer", "infer", "eval", "work_dir", "model_dataset_combinations")
EXTRA_SECTIONS = (
    "chatml_datasets",
    "judge_models",
    "trackers",
    "report",
    "sandbox",
    "seed",
    "lark_bot_url",
    "station_path",
    "attack",
)


@dataclass(frozen=True)
class RunConfig:
    """What a config file says, as plain data: dicts, lists, strings, numbers, booleans and None.

    Types are dotted strings. Every model and dataset has its `abbr`. `search_paths` are the folders from
    which the user's own classes are imported (the config's folder first). `extra` holds the remaining
    sections that have a meaning; `unknown` names the user's own variables, for a check of spelling.
    """

    name: str
    path: str
    config_dir: str
    models: tuple[PlainDict, ...]
    datasets: tuple[PlainDict, ...]
    combinations: tuple[PlainDict, ...] = ()
    summarizer: PlainDict | None = None
    infer: PlainDict = field(default_factory=dict)
    eval: PlainDict = field(default_factory=dict)
    work_dir: str = ""
    search_paths: tuple[str, ...] = ()
    extra: PlainDict = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def as_dict(self) -> PlainDict:
        """Plain data, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunConfig:
        """The config that `as_dict` described, also after a trip through JSON."""
        return cls(
            **{
                **data,
                **{
                    key: tuple(data[key])
                    for key in ("models", "datasets", "combinations", "search_paths", "unknown")
                },
            }
        )
