"""What a model dict may say about generation, and how it joins what a request says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Literal

from evalsuite.errors import UserError, nearest_name
from evalsuite.types import Request, Sampling

Truncation = Literal["error", "left", "middle"]
FIELDS = {
    "max_new_tokens": "max_out_len",
    "max_out_len": "max_out_len",
    "min_new_tokens": "min_out_len",
    "min_out_len": "min_out_len",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "repetition_penalty": "repetition_penalty",
    "seed": "seed",
}
# What a request may carry beyond the fields of Sampling. Anything else is refused, not ignored: a score
# under parameters that were silently dropped is worse than none.
EXTRA = ("min_p", "presence_penalty", "frequency_penalty")
NEUTRAL = {"num_beams": 1, "num_return_sequences": 1, "use_cache": True, "do_sample": None}


def model_defaults(given: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """`generation_kwargs` of a model dict, as fields of Sampling.

    `do_sample=False` means greedy whatever temperature stands beside it, `do_sample=True` without a
    temperature means 1. What cannot be honoured is refused.
    """
    found: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in given.items():
        if name in FIELDS:
            if value is not None:
                found[FIELDS[name]] = value
        elif name in EXTRA:
            extra[name] = value
        elif name not in NEUTRAL or (NEUTRAL[name] is not None and value != NEUTRAL[name]):
            known = [*FIELDS, *EXTRA, *NEUTRAL]
            raise UserError(
                f"generation_kwargs: {name}={value!r} is not supported",
                where=where,
                expected="any of " + ", ".join(known),
                nearest="" if name in known else nearest_name(name, known),
            )
    if given.get("do_sample") is False:
        found["temperature"] = 0.0
    elif given.get("do_sample"):
        found.setdefault("temperature", 1.0)
    if extra:
        found["extra"] = extra
    return found


def merge_sampling(sampling: Sampling, defaults: Mapping[str, Any]) -> Sampling:
    """The request over the model's defaults: a default counts where the request left a field alone."""
    if not defaults:
        return sampling
    untouched = Sampling()
    changes = {
        name: value
        for name, value in defaults.items()
        if name != "extra" and getattr(sampling, name) == getattr(untouched, name)
    }
    if "extra" in defaults:
        changes["extra"] = {**defaults["extra"], **sampling.extra}
    return replace(sampling, **changes) if changes else sampling


def request_seed(request: Request, model_seed: int, ids: Sequence[int]) -> int:
    """A seed from the request's content: repeats differ, a rerun agrees, neighbours do not matter."""
    chosen = request.sampling.seed
    text = f"{model_seed}/{'' if chosen is None else chosen}/{request.repeat}/{','.join(map(str, ids))}"
    return int.from_bytes(sha256(text.encode()).digest()[:4], "big") >> 1


def truncation_of(truncation: Truncation | None, mode: str, drop_middle: bool, where: str) -> Truncation:
    """How too long a prompt is treated: refused by default, since a cut prompt is another question."""
    if truncation is None:
        return "middle" if mode == "mid" or drop_middle else "error"
    if truncation not in ("error", "left", "middle"):
        raise UserError(
            f"unknown truncation {truncation!r}", where=where, expected="'error', 'left' or 'middle'"
        )
    return truncation
