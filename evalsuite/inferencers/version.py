"""The version of a prompt: six hex digits over all that shapes it, the same that OpenCompass prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from evalsuite.prompt.template import short_type

# Where OpenCompass's own configs import the classes from; its hash counts these paths.
_HOMES = {
    "PromptTemplate": "opencompass.openicl.icl_prompt_template",
    "RawPromptTemplate": "opencompass.openicl.icl_raw_prompt_template",
}


def prompt_version(infer_cfg: Mapping[str, Any]) -> str:
    """The first six hex digits of the hash of an infer_cfg as OpenCompass forms it.

    A class counts by the path that OpenCompass's configs import it from, however it is written here; ids of
    fixed examples count as the inferencer's; tuples count as lists.
    """
    cfg = _plain(infer_cfg)
    retriever = cfg.get("retriever")
    if isinstance(retriever, dict) and "fix_id_list" in retriever:
        ids = retriever.pop("fix_id_list")
        if isinstance(cfg.get("inferencer"), dict):
            cfg["inferencer"]["fix_id_list"] = ids
    return sha256(json.dumps(cfg, sort_keys=True).encode()).hexdigest()[:6]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _home(inner) if key == "type" else _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _home(kind: Any) -> Any:
    name = short_type({"type": kind})
    if name in _HOMES:
        return f"{_HOMES[name]}.{name}"
    if name.endswith("Retriever"):
        return f"opencompass.openicl.icl_retriever.{name}"
    if name.endswith("Inferencer"):
        return f"opencompass.openicl.icl_inferencer.{name}"
    return kind if isinstance(kind, (str, int, float, bool, type(None))) else name
