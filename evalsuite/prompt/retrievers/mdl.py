"""MDL: of several sets of near rows the one behind which a model is surest of the label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, log
from typing import Any

from evalsuite.errors import UserError
from evalsuite.prompt.retrievers.base import Row, Shots
from evalsuite.prompt.retrievers.embed import own_function
from evalsuite.prompt.retrievers.topk import TopkRetriever

Scorer = Callable[[Sequence[tuple[str, str]]], Sequence[float]]


class MDLRetriever(TopkRetriever):
    """Compares `select_time` sets out of the `candidate_num` nearest rows; the nearest set is among them.

    A model of its own (`ce_model_name`) or a function (`scorer`, a dotted path) gives the mean loss of each
    label's text behind the examples; the set whose labels then have the least entropy is shown.
    """

    def __init__(
        self,
        shots: Shots,
        candidate_num: int = 1,
        select_time: int = 5,
        seed: int = 1,
        ce_model_name: str = "gpt2-xl",
        scorer: str | None = None,
        **embedding: Any,
    ) -> None:
        super().__init__(shots, **embedding)
        if shots.label_texts is None:
            raise UserError(
                "MDLRetriever compares labels, which this task has not",
                where="infer_cfg.retriever",
                expected="a template per label, or another retriever",
            )
        self._label_texts = shots.label_texts
        self._candidates = max(candidate_num, self.shown)
        self._rounds = select_time
        self._seed = seed
        self._ce_model_name = ce_model_name
        self._scorer_path = scorer
        self._scorer: Scorer | None = None

    def pick(self, index: int, fields: Row) -> Sequence[int]:
        from random import Random

        near = self.near(fields, self._candidates)
        draw = Random(f"{self._seed}:{index}")
        sets = [near[: self.shown]] + [draw.sample(near, self.shown) for _ in range(self._rounds - 1)]
        return min(sets, key=lambda ids: self._entropy(ids, fields))

    def _entropy(self, ids: Sequence[int], fields: Row) -> float:
        if self._scorer is None:
            self._scorer = self._load_scorer()
        return label_entropy(self._scorer(self._label_texts(ids, fields)))

    def _load_scorer(self) -> Scorer:
        if self._scorer_path is None:
            return transformers_scorer(self._ce_model_name)
        found: Scorer = own_function(self._scorer_path)
        return found


def label_entropy(losses: Sequence[float]) -> float:
    """How unsure labels with these losses leave a reader, in nats."""
    least = min(losses)
    weights = [exp(least - loss) for loss in losses]
    shares = [weight / sum(weights) for weight in weights]
    return -sum(share * log(share) for share in shares if share > 0)


def transformers_scorer(name: str) -> Scorer:
    """The mean loss of what stands behind the examples, under a causal language model."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32).eval()

    def score(pairs: Sequence[tuple[str, str]]) -> list[float]:
        losses = []
        for before, whole in pairs:
            ids = tokenizer(whole)["input_ids"]
            start = max(1, min(len(tokenizer(before)["input_ids"]), len(ids) - 1)) if before else 1
            with torch.inference_mode():
                logits = model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
            targets = torch.tensor(ids[start:])
            found = logits[start - 1 : -1].gather(-1, targets[:, None])
            losses.append(-float(found.mean()))
        return losses

    return score
