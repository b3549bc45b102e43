"""The prompts of a (model x dataset) without the model: what `--dry-run` and `show` print."""

from __future__ import annotations

from typing import Any

from evalsuite.datasets.build import build_dataset
from evalsuite.inferencers import build_inferencer
from evalsuite.inferencers.base import Exchange, Inferencer
from evalsuite.plan import ModelEntry, Pair, Plan, sampling_of
from evalsuite.registry import resolve
from evalsuite.types import Message, Prompt, Sample


def inferencer_of(plan: Plan, pair: Pair, *, model: ModelEntry | None = None) -> Inferencer:
    """The inferencer that workers use, except that nothing is fitted to the context window."""
    entry = model or plan.model(pair.model)
    dataset = plan.dataset(pair.dataset)
    return build_inferencer(
        dataset.config.get("infer_cfg") or {},
        dataset.config.get("reader_cfg") or {},
        dataset=build_dataset(dataset.config),
        prompt_kind=resolve(entry.config["type"], "models").prompt_kind,
        meta_template=entry.config.get("meta_template"),
        sampling=sampling_of(entry.config),
        identity=entry.identity,
        count_tokens=None,
        context=None,
    )


def exchange_of(plan: Plan, pair: Pair, sample: Sample, repeat: int = 0) -> Exchange:
    """The exchange that a worker would make for a sample."""
    return inferencer_of(plan, pair).exchange(sample, repeat)


def rendered(plan: Plan, pair: Pair, sample: Sample) -> str:
    """The first request of a sample as text: roles in brackets, continuations behind the prompt."""
    requests = exchange_of(plan, pair, sample).start()
    return "\n".join(
        prompt_text(request.prompt) + "".join(f"\n  -> {text!r}" for text in request.continuations)
        for request in requests
    )


def prompt_text(prompt: Prompt | Any) -> str:
    """A prompt for people to read."""
    if isinstance(prompt, str):
        return prompt
    return "\n".join(f"[{m.role}] {m.text}" if isinstance(m, Message) else str(m) for m in prompt)
