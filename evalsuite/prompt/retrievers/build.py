"""From a retriever's config to the retriever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalsuite.errors import UserError, nearest_name
from evalsuite.prompt.retrievers.base import Retriever, Shots
from evalsuite.prompt.retrievers.bm25 import BM25Retriever
from evalsuite.prompt.retrievers.dpp import DPPRetriever
from evalsuite.prompt.retrievers.mdl import MDLRetriever
from evalsuite.prompt.retrievers.plain import (
    FixKRetriever,
    RandomRetriever,
    SlidingWindowRetriever,
    ZeroRetriever,
)
from evalsuite.prompt.retrievers.topk import TopkRetriever
from evalsuite.prompt.retrievers.votek import VotekRetriever
from evalsuite.prompt.template import own_path, short_type
from evalsuite.registry import load

_EMBEDDING: Mapping[str, type | tuple[type, ...]] = {
    "ice_num": int,
    "embedder": str,
    "sentence_transformers_model_name": str,
    "batch_size": int,
}
_TEMPLATES: Mapping[str, type | tuple[type, ...]] = {"ice_template": dict, "prompt_template": dict}
# Each retriever with the keys it takes, and whether it must have them.
RETRIEVERS: Mapping[str, tuple[type[Any], Mapping[str, type | tuple[type, ...]], tuple[str, ...]]] = {
    "ZeroRetriever": (ZeroRetriever, {}, ()),
    "FixKRetriever": (FixKRetriever, {"fix_id_list": (list, tuple)}, ("fix_id_list",)),
    "RandomRetriever": (RandomRetriever, {"ice_num": int, "seed": int}, ()),
    "SlidingWindowRetriever": (SlidingWindowRetriever, {"k": int, "ice_num": int}, ("k",)),
    "BM25Retriever": (BM25Retriever, {"ice_num": int}, ()),
    "TopkRetriever": (TopkRetriever, _EMBEDDING, ()),
    "VotekRetriever": (VotekRetriever, {**_EMBEDDING, "votek_k": int, "seed": int}, ()),
    "DPPRetriever": (DPPRetriever, {**_EMBEDDING, "candidate_num": int, "scale_factor": (int, float)}, ()),
    "MDLRetriever": (
        MDLRetriever,
        {
            **_EMBEDDING,
            "candidate_num": int,
            "select_time": int,
            "seed": int,
            "ce_model_name": str,
            "scorer": str,
            # what OpenCompass wants written a second time; a builder checks that it is the same
            **_TEMPLATES,
        },
        (),
    ),
}
# Keys whose parameter is called otherwise.
_PARAMETERS = {"embedder": "embedder_name", "sentence_transformers_model_name": "model"}
SEPARATORS = ("ice_separator", "ice_eos_token")
# Keys that every retriever's config may carry; the template room reads them.
COMMON_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "ice_separator": str,
    "ice_eos_token": str,
    "ice_num": int,
    # OpenCompass's choice of a tokenizer for embedding; embedders here bring their own
    "tokenizer_name": str,
}


def check_retriever(cfg: Any, where: str) -> list[UserError]:
    """What is wrong with a retriever's config, without building it."""
    if not isinstance(cfg, Mapping):
        return [UserError("a retriever must be a dict", where=where, expected="dict(type=ZeroRetriever)")]
    name = short_type(cfg)
    own_class = own_path(cfg)
    if own_class is not None:
        try:
            load(own_class, cfg["type"])
        except UserError as error:
            return [
                UserError(error.what, where=f"{where}.type", expected=error.expected, nearest=error.nearest)
            ]
        return []
    if name not in RETRIEVERS:
        return [
            UserError(
                f"unknown retriever {name!r}",
                where=f"{where}.type",
                expected=", ".join(RETRIEVERS),
                nearest=nearest_name(name, RETRIEVERS),
            )
        ]
    _, own, needed = RETRIEVERS[name]
    keys = {**COMMON_KEYS, **own}
    errors = []
    for key, value in cfg.items():
        if key == "type":
            continue
        if key not in keys:
            errors.append(
                UserError(
                    f"unknown key {key!r} of {name}",
                    where=where,
                    expected=", ".join(keys),
                    nearest=nearest_name(str(key), keys),
                )
            )
        elif value is not None and not isinstance(value, keys[key]):
            errors.append(UserError(f"a {type(value).__name__} cannot be {key}", where=f"{where}.{key}"))
    errors += [UserError(f"{name} needs {key!r}", where=where) for key in needed if key not in cfg]
    return errors


def build_retriever(cfg: Mapping[str, Any], shots: Shots) -> Retriever:
    """The retriever of a config that `check_retriever` has nothing against."""
    own_class = own_path(cfg)
    if own_class is not None:
        keywords = {key: value for key, value in cfg.items() if key not in ("type", *SEPARATORS)}
        mine: Retriever = load(own_class, cfg["type"])(shots, **keywords)
        return mine
    make, own, _ = RETRIEVERS[short_type(cfg)]
    given = {
        _PARAMETERS.get(key, key): cfg[key]
        for key in own
        if cfg.get(key) is not None and key not in _TEMPLATES
    }
    retriever: Retriever = make(shots, **given)
    return retriever


def separators(cfg: Mapping[str, Any]) -> tuple[str, str]:
    """What stands between two examples and behind the last, for examples that are texts."""
    if short_type(cfg) == "ZeroRetriever":
        return "", cfg.get("ice_eos_token") or ""
    between, behind = cfg.get("ice_separator"), cfg.get("ice_eos_token")
    return "\n" if between is None else between, "\n" if behind is None else behind
