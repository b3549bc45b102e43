"""The sampling parameters of a dataset: the model's own, overridden by what the inferencer asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalsuite.types import Sampling

# Generation keys in the writings of configs, and the field of Sampling that each one means.
_NAMES = {
    "max_new_tokens": "max_out_len",
    "max_tokens": "max_out_len",
    "max_out_len": "max_out_len",
    "min_new_tokens": "min_out_len",
    "min_out_len": "min_out_len",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "repetition_penalty": "repetition_penalty",
    "seed": "seed",
}
_STOPS = ("stop", "stop_words", "stopping_criteria")


def read_sampling(base: Sampling, inferencer: Mapping[str, Any]) -> Sampling:
    """`base` with the inferencer's lengths, stops and generation kwargs in place of its own.

    Stop strings add up, as a model's end-of-turn mark holds for every dataset. `do_sample=False` is greedy
    whatever the temperature says; `do_sample=True` without a temperature means 1.
    """
    changes: dict[str, Any] = {}
    extra = dict(base.extra)
    stops = list(base.stop)
    given = {**(inferencer.get("generation_kwargs") or {})}
    for key in ("max_out_len", "min_out_len", "stopping_criteria"):
        if inferencer.get(key) is not None:
            given[key] = inferencer[key]
    sample = given.pop("do_sample", None)
    for key, value in given.items():
        if value is None:
            continue
        if key in _STOPS:
            stops += [value] if isinstance(value, str) else list(value)
        elif key in _NAMES:
            changes[_NAMES[key]] = value
        else:
            extra[key] = value
    if sample is False:
        changes["temperature"] = 0.0
    elif sample and "temperature" not in changes and base.temperature == 0:
        changes["temperature"] = 1.0
    return replace(base, **changes, stop=tuple(dict.fromkeys(stop for stop in stops if stop)), extra=extra)
