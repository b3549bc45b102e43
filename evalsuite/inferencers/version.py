"""The version of a prompt: six hex digits over all that shapes it, the same that OpenCompass prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any


def prompt_version(infer_cfg: Mapping[str, Any]) -> str:
    """The first six hex digits of the hash of an infer_cfg as OpenCompass forms it.

    The ids of fixed examples count as the inferencer's, and a class counts by the name it is given here; tuples
    count as lists.
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
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, type):
        return value.__name__
    return value
