"""CLP: how probable each choice is as the next words, against the other choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import exp
from typing import ClassVar

from evalsuite.errors import UserError
from evalsuite.inferencers.base import Exchange
from evalsuite.inferencers.choice import chosen, normalised
from evalsuite.inferencers.exchange import ManyRequests, prompt_json
from evalsuite.inferencers.gen import open_ended
from evalsuite.inferencers.setup import Setup
from evalsuite.store.keys import digest
from evalsuite.types import Answer, Sample, Verb


class CLPInferencer:
    """Asks for the probabilities of the row's own `choices` behind the prompt; they add up to one."""

    verb: ClassVar[Verb] = "loglikelihood"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._builder = setup.builder("gen")
        self._column = str(setup.options.get("choices_column") or "choices")
        self._fits = setup.fits(1)

    def exchange(self, sample: Sample, repeat: int) -> Exchange:
        choices = sample.fields.get(self._column)
        if not isinstance(choices, (list, tuple)) or not choices:
            raise UserError(
                f"row {sample.id} has no list of choices in its column {self._column!r}",
                where="infer_cfg.inferencer",
                expected=f"a column {self._column!r} of texts such as ['A', 'B'], or choices_column",
            )
        labels = [str(choice) for choice in choices]
        prompt = open_ended(self._builder.build(sample, self._fits))
        request = self._setup.score(prompt, labels, repeat, sample.id)

        def judge(answers: Mapping[str, Answer]) -> Answer:
            scores = answers[request.key].options
            highest = max(score.logprob for score in scores)
            weights = [exp(score.logprob - highest) for score in scores]
            probabilities = [weight / sum(weights) for weight in weights]
            answer = chosen(labels, scores, normalised(scores, labels), "acc", {"probability": probabilities})
            return replace(answer, extra={**answer.extra, "probabilities": probabilities})

        key = digest(["clp", request.key])
        return ManyRequests(key, sample, repeat, [request], judge, prompt_json(prompt))
