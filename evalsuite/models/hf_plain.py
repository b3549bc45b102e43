"""The careful way, for architectures whose state is not keys and values per token: transformers' own loop.

Hybrid and recurrent models, sliding windows, encoder-decoders and images come here. Rows are chosen, stopped
and cut by the same code as in the fast loop, so answers mean the same; only the speed differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evalsuite.models.hf_net import is_out_of_memory
from evalsuite.models.hf_rows import Row, choose
from evalsuite.models.hf_score import Job
from evalsuite.models.prompts import Option, failed
from evalsuite.types import Answer, OptionScore


def generate(
    model: Any, tokenizer: Any, rows: Sequence[Row], inputs: Mapping[str, Any] | None
) -> Iterator[Answer]:
    """Decode rows as one left-padded batch, halved when memory runs out; `inputs` are those of an image."""
    import torch

    try:
        _run(model, rows, inputs)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(rows) == 1:
            yield failed(rows[0].request, "out_of_memory", f"not enough memory for {len(rows[0].ids)} tokens")
            return
        half = len(rows) // 2
        for part in (rows[:half], rows[half:]):
            for row in part:
                row.restart()
            yield from generate(model, tokenizer, part, None)
        return
    for row in rows:
        yield row.answer(tokenizer)


def _run(model: Any, rows: Sequence[Row], inputs: Mapping[str, Any] | None) -> None:
    import torch
    from transformers import LogitsProcessorList, StoppingCriteriaList

    device = model.get_input_embeddings().weight.device
    if inputs is None:
        width = max(len(row.ids) for row in rows)
        pad = [[0] * (width - len(row.ids)) for row in rows]
        inputs = {
            "input_ids": torch.tensor([[*left, *row.ids] for left, row in zip(pad, rows, strict=True)]),
            "attention_mask": torch.tensor(
                [[*left, *([1] * len(row.ids))] for left, row in zip(pad, rows, strict=True)]
            ),
        }
    done = [False] * len(rows)

    def chooser(ids: Any, scores: Any) -> Any:
        live = [at for at, ended in enumerate(done) if not ended]
        tokens = choose(scores[live], [rows[at] for at in live])
        forced = torch.full_like(scores, -torch.inf)
        forced[:, 0] = 0
        for at, token in zip(live, tokens, strict=True):
            forced[at, 0], forced[at, token] = -torch.inf, 0
            done[at] = rows[at].take(token)
        return forced

    def finished(ids: Any, scores: Any, **kwargs: Any) -> Any:
        return torch.tensor(done, device=ids.device)

    with torch.inference_mode():
        model.generate(
            **{name: value.to(device) for name, value in inputs.items()},
            max_new_tokens=max(row.limit for row in rows),
            do_sample=False,
            num_beams=1,
            pad_token_id=0,
            eos_token_id=None,
            logits_processor=LogitsProcessorList([chooser]),
            stopping_criteria=StoppingCriteriaList([finished]),
        )


def score(model: Any, jobs: Iterable[Job]) -> Iterator[Job]:
    """Score each option by a plain forward pass of its own."""
    import torch

    device = model.get_input_embeddings().weight.device
    for job in jobs:
        job.scores = []
        for option in job.options:
            with torch.inference_mode():
                ids = torch.tensor([option.ids], device=device)
                logits = model(input_ids=ids, use_cache=False).logits[0].float()
            job.scores.append(_read(option, logits))
        yield job


def _read(option: Option, logits: Any) -> OptionScore:
    import torch

    targets = torch.tensor(option.ids[option.start :], device=logits.device)
    rows = logits[option.start - 1 : -1]
    values = rows.log_softmax(-1).gather(-1, targets[:, None])
    return OptionScore(
        float(values.sum()), option.tokens, len(targets), bool((rows.argmax(-1) == targets).all())
    )
