"""What is chosen among scored options, under each normalisation that has a name.

`ppl` is OpenCompass's mean cross-entropy (natural log, no exponent). `acc`, `acc_norm` and `acc_bytes` are
lm-eval's: the sum, the sum per character and the sum per byte of the option; `acc_tokens` is per token.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from evalsuite.errors import UserError, nearest_name
from evalsuite.types import Answer, OptionScore

_BITS = 1.4426950408889634  # bits per nat


def text_loss(score: OptionScore) -> float:
    """OpenCompass's PPL of a whole text.

    Its mean counts every token, also the first, which nothing predicts: the beginning-of-text token where the
    tokenizer adds one, else the text's own first token. So one more than were scored.
    """
    return -score.logprob / (score.scored + 1)


def words_loss(score: OptionScore) -> float:
    """The mean cross-entropy of words behind a context, all of them scored."""
    return -score.logprob / score.tokens if score.tokens else float("inf")


def bits_per_byte(score: OptionScore, text: str) -> float:
    """How many bits the model spends on a byte of the text."""
    size = len(text.encode("utf-8", "surrogatepass"))
    return -score.logprob * _BITS / size if size else float("inf")


def first_best(values: Sequence[float]) -> int:
    """The place of the largest value; the first one where several are equal."""
    return max(range(len(values)), key=values.__getitem__)


def normalised(scores: Sequence[OptionScore], texts: Sequence[str]) -> dict[str, int]:
    """lm-eval's choices among options that were scored behind a context."""
    sums = [score.logprob for score in scores]
    lengths = {
        "acc": [1] * len(sums),
        "acc_norm": [len(text) for text in texts],
        "acc_bytes": [len(text.encode("utf-8", "surrogatepass")) for text in texts],
        "acc_tokens": [score.tokens for score in scores],
    }
    return {
        name: first_best([value / max(length, 1) for value, length in zip(sums, own, strict=True)])
        for name, own in lengths.items()
    }


def chosen(
    labels: Sequence[Hashable],
    scores: Sequence[OptionScore],
    choices: Mapping[str, int],
    rule: str,
    details: Mapping[str, Sequence[float]],
) -> Answer:
    """The answer that names the label chosen by `rule`, with all scores and the other rules' choices."""
    if rule not in choices:
        raise UserError(
            f"the options cannot be chosen by {rule!r} here",
            where="infer_cfg.inferencer.choose",
            expected=", ".join(choices),
            nearest=nearest_name(rule, choices),
        )
    extra: dict[str, Any] = {
        "labels": list(labels),
        "rule": rule,
        "choices": {name: labels[at] for name, at in choices.items()},
        "scores": {
            str(label): {
                "logprob": score.logprob,
                "tokens": score.tokens,
                **{name: values[at] for name, values in details.items()},
            }
            for at, (label, score) in enumerate(zip(labels, scores, strict=True))
        },
    }
    return Answer("", str(labels[choices[rule]]), tuple(scores), "scored", extra=extra)
