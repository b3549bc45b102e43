"""What is chosen among scored options, under each normalisation that has a name.

`ppl` is OpenCompass's mean cross-entropy (natural log, all tokens of the text counted, the first one included,
though nothing predicts it); `acc`, `acc_norm`, `acc_bytes` are lm-eval's: the sum, the sum per character and the
sum per byte of the option's text; `acc_tokens` is the sum per token.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from evalsuite.types import Answer, OptionScore

_BITS = 1.4426950408889634  # bits per nat


def mean_loss(score: OptionScore) -> float:
    """OpenCompass's PPL: the mean cross-entropy over all tokens, without an exponent."""
    return -score.logprob / score.tokens if score.tokens else float("inf")


def bits_per_byte(score: OptionScore, text: str) -> float:
    """How many bits the model spends on a byte of the text."""
    size = len(text.encode("utf-8", "surrogatepass"))
    return -score.logprob * _BITS / size if size else float("inf")


def first_best(values: Sequence[float]) -> int:
    """The place of the largest value; the first one where several are equal."""
    return max(range(len(values)), key=values.__getitem__)


def normalised(scores: Sequence[OptionScore], texts: Sequence[str]) -> dict[str, int]:
    """lm-eval's choices among options that were scored behind one context."""
    sums = [score.logprob for score in scores]
    return {
        "acc": first_best(sums),
        "acc_norm": first_best([value / max(len(text), 1) for value, text in zip(sums, texts, strict=True)]),
        "acc_bytes": first_best(
            [
                value / max(len(text.encode("utf-8", "surrogatepass")), 1)
                for value, text in zip(sums, texts, strict=True)
            ]
        ),
        "acc_tokens": first_best(
            [value / max(score.tokens, 1) for value, score in zip(sums, scores, strict=True)]
        ),
    }


def chosen(
    labels: Sequence[Hashable],
    scores: Sequence[OptionScore],
    choices: Mapping[str, int],
    rule: str,
    details: Mapping[str, Sequence[float]],
) -> Answer:
    """The answer that names the label chosen by `rule`, with every score and every other rule's choice beside."""
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
