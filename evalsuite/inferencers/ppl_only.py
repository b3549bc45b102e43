"""PPL only: how well a model predicts a text; nothing is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from evalsuite.errors import UserError
from evalsuite.inferencers.base import Exchange
from evalsuite.inferencers.choice import bits_per_byte, text_loss, words_loss
from evalsuite.inferencers.exchange import ManyRequests, prompt_json
from evalsuite.inferencers.ppl import assistant_words
from evalsuite.inferencers.setup import Setup
from evalsuite.store.keys import digest
from evalsuite.types import Answer, Sample, Verb


class PPLOnlyInferencer:
    """Scores the whole text (where the model takes messages: the assistant's last words).

    The answer's extra has `ppl` (the mean cross-entropy, as OpenCompass calls it), `bpb` (bits per byte), and
    `nats`, `tokens`, `bytes`, `characters`, from which a corpus metric adds up.
    """

    verb: ClassVar[Verb] = "loglikelihood"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._builder = setup.builder("ppl")
        if len(self._builder.template.variants) > 1:
            raise UserError(
                "one text is scored, so there can be no labels",
                where="infer_cfg.prompt_template.template",
                expected="a text or a dialogue",
            )
        self._fits = setup.fits(0)

    def exchange(self, sample: Sample, repeat: int) -> Exchange:
        prompt = self._builder.build(sample, self._fits)
        whole = isinstance(prompt, str)
        context, text = ("", prompt) if isinstance(prompt, str) else assistant_words(prompt)
        request = self._setup.score(context, [text], repeat, sample.id)

        def judge(answers: Mapping[str, Answer]) -> Answer:
            scores = answers[request.key].options
            loss = text_loss(scores[0]) if whole else words_loss(scores[0])
            extra = {
                "ppl": loss,
                "bpb": bits_per_byte(scores[0], text),
                "nats": -scores[0].logprob,
                "tokens": scores[0].tokens,
                "scored": scores[0].scored,
                "bytes": len(text.encode("utf-8", "surrogatepass")),
                "characters": len(text),
            }
            return Answer("", str(loss), scores, "scored", extra=extra)

        return ManyRequests(
            digest(["ppl_only", request.key]), sample, repeat, [request], judge, prompt_json(prompt)
        )
