"""From an inferencer's config to the inferencer, by the last part of its type's name.

A dotted path of the user's own is a class that is made of a Setup and has `verb` (and `mode`, its word in
tables).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evalsuite.datasets.base import Dataset
from evalsuite.errors import UserError, nearest_name
from evalsuite.inferencers.base import Inferencer
from evalsuite.inferencers.chat import ChatInferencer
from evalsuite.inferencers.clp import CLPInferencer
from evalsuite.inferencers.consistency import SCInferencer
from evalsuite.inferencers.gen import GenInferencer
from evalsuite.inferencers.ll import LLInferencer
from evalsuite.inferencers.ppl import PPLInferencer
from evalsuite.inferencers.ppl_only import PPLOnlyInferencer
from evalsuite.inferencers.setup import Setup
from evalsuite.prompt.template import SECTIONS, own_path, short_type
from evalsuite.registry import load
from evalsuite.types import Prompt, Sampling, Verb


@dataclass(frozen=True)
class Kind:
    """One way of asking: the class, the word for it in tables, whether it compares labels."""

    make: Callable[[Setup], Inferencer]
    verb: Verb
    mode: str
    compares: bool = False


KINDS: Mapping[str, Kind] = {
    "GenInferencer": Kind(GenInferencer, "generate", "gen"),
    "ParallelGenInferencer": Kind(GenInferencer, "generate", "gen"),
    "ChatInferencer": Kind(ChatInferencer, "generate", "chat"),
    "ParallelChatInferencer": Kind(ChatInferencer, "generate", "chat"),
    "SCInferencer": Kind(SCInferencer, "generate", "sc"),
    "PPLInferencer": Kind(PPLInferencer, "loglikelihood", "ppl", compares=True),
    "LLInferencer": Kind(LLInferencer, "loglikelihood", "ll", compares=True),
    "CLPInferencer": Kind(CLPInferencer, "loglikelihood", "clp"),
    "PPLOnlyInferencer": Kind(PPLOnlyInferencer, "loglikelihood", "ppl_only"),
}


def kind_of(infer_cfg: Mapping[str, Any]) -> Kind:
    """The way of asking that an infer_cfg names."""
    inferencer = infer_cfg.get("inferencer")
    if not isinstance(inferencer, Mapping):
        raise UserError(
            "there is no inferencer", where="infer_cfg", expected="inferencer=dict(type=GenInferencer)"
        )
    name = short_type(inferencer)
    own_class = own_path(inferencer)
    if own_class is not None:
        make = load(own_class, inferencer["type"])
        return Kind(make, make.verb, getattr(make, "mode", name))
    if name not in KINDS:
        raise UserError(
            f"unknown inferencer {name!r}",
            where="infer_cfg.inferencer.type",
            expected=", ".join(KINDS),
            nearest=nearest_name(name, KINDS),
        )
    return KINDS[name]


def verb_of(infer_cfg: Mapping[str, Any]) -> Verb:
    """Which of a model's verbs a dataset needs."""
    return kind_of(infer_cfg).verb


def mode_of(infer_cfg: Mapping[str, Any]) -> str:
    """The word for the way of asking in tables: gen, ppl, ll, clp, chat..."""
    return kind_of(infer_cfg).mode


def options_of(infer_cfg: Mapping[str, Any]) -> int:
    """How many continuations a sample costs: its labels, or one."""
    if not kind_of(infer_cfg).compares:
        return 1
    labels = infer_cfg["inferencer"].get("labels")
    if labels:
        return len(labels)
    template = infer_cfg.get("prompt_template") or infer_cfg.get("ice_template") or {}
    source = template.get("template") if isinstance(template, Mapping) else None
    if isinstance(source, Mapping) and not all(key in SECTIONS for key in source):
        return max(len(source), 1)
    return 1


def build_inferencer(
    infer_cfg: Mapping[str, Any],
    reader_cfg: Mapping[str, Any],
    *,
    dataset: Dataset,
    prompt_kind: Literal["text", "messages"],
    meta_template: Any,
    sampling: Sampling,
    identity: str,
    count_tokens: Callable[[Prompt], int] | None,
    context: int | None,
) -> Inferencer:
    """The inferencer of a dataset for a model.

    With `as_text` in the infer_cfg a chat model is asked as a base model is, without roles and without a
    template. `identity` stands for the model in every request key. Without `count_tokens` or `context` no
    example is ever dropped. Templates are compiled here, so that a wrong one is told before anything runs.
    """
    if infer_cfg.get("as_text"):
        prompt_kind, meta_template = "text", None
    setup = Setup(
        infer_cfg, reader_cfg, dataset, prompt_kind, meta_template, sampling, identity, count_tokens, context
    )
    return kind_of(infer_cfg).make(setup)
