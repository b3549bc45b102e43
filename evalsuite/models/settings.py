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
# Read by others: `eos_token_id` by `given_ends`, and `pad_token_id` by nobody, since nothing is padded.
TOKENS = ("eos_token_id", "pad_token_id")

# Keys of OpenCompass's model classes that none of ours has: what says the same here.
REPLACED: Mapping[str, str] = {
    "end_str": "stop_words=['...'], which cut a text in the same way",
    "batch_padding": "nothing in its place: rows of any length are decoded together, unpadded",
    "fastchat_template": "chat_template='...' (a format by name, Jinja text or a file)",
    "use_fastchat_template": "chat_template='...' (a format by name, Jinja text or a file)",
    "extract_pred_after_decode": "nothing in its place: an answer never holds its prompt",
    "tokenizer_only": "nothing in its place: prompts are counted by the loaded model",
    "hf_cache_dir": "model_kwargs=dict(cache_dir='...')",
    "lora_path": "peft_path='...'",
    "engine_config": "model_kwargs=dict(...) of the type VLLM, in vLLM's words",
    "gen_config": "generation_kwargs=dict(...)",
    "max_completion_tokens": "max_out_len=...",
    "max_new_tokens": "max_out_len=...",
    "max_tokens": "max_out_len=...",
    "temperature": "generation_kwargs=dict(temperature=...)",
    "top_p": "generation_kwargs=dict(top_p=...)",
    "top_k": "generation_kwargs=dict(top_k=...)",
    "do_sample": "generation_kwargs=dict(do_sample=...)",
    "repetition_penalty": "generation_kwargs=dict(repetition_penalty=...)",
    "torch_dtype": "dtype='...'",
    "concurrency": "batch_size=...",
    "num_gpus": "run_cfg=dict(num_gpus=...)",
    "num_procs": "run_cfg=dict(num_procs=...)",
    "think_tag": "pred_postprocessor=dict(type='extract-non-reasoning-content')",
}


def model_defaults(given: Mapping[str, Any], where: str, *, tokens: bool = True) -> Mapping[str, Any]:
    """`generation_kwargs` of a model dict, as fields of Sampling.

    `do_sample=False` means greedy whatever temperature stands beside it, `do_sample=True` without a
    temperature means 1. What cannot be honoured is refused; `tokens` says whether end tokens can.
    """
    found: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    known = [*FIELDS, *EXTRA, *(TOKENS if tokens else ()), *NEUTRAL]
    for name, value in given.items():
        if name in FIELDS:
            if value is not None:
                found[FIELDS[name]] = value
        elif name in EXTRA:
            extra[name] = value
        elif name not in known or (NEUTRAL.get(name) is not None and value != NEUTRAL[name]):
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
    if settled := {name: value for name, value in given.items() if name not in EXTRA}:
        found["settled"] = settled
    return found


def given_ends(generation_kwargs: Mapping[str, Any] | None) -> frozenset[int]:
    """The end tokens that `generation_kwargs` name beside those of the checkpoint."""
    ends = (generation_kwargs or {}).get("eos_token_id")
    return frozenset() if ends is None else frozenset([ends] if isinstance(ends, int) else ends)


def merge_sampling(sampling: Sampling, defaults: Mapping[str, Any]) -> Sampling:
    """The request over the model's defaults: a default counts where the request left a field alone.

    What a request carries over from the model's own `generation_kwargs`, and was settled there, is left out.
    """
    if not defaults:
        return sampling
    untouched = Sampling()
    changes = {
        name: value
        for name, value in defaults.items()
        if name not in ("extra", "settled") and getattr(sampling, name) == getattr(untouched, name)
    }
    settled = defaults.get("settled", {})
    left = {
        name: value for name, value in sampling.extra.items() if name not in settled or settled[name] != value
    }
    changes["extra"] = {**defaults.get("extra", {}), **left}
    return replace(sampling, **changes)


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
