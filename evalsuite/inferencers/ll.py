"""LL: the words that end each label's text are scored behind what stands before them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from evalsuite.errors import UserError
from evalsuite.inferencers.base import Exchange
from evalsuite.inferencers.choice import chosen, normalised, words_loss
from evalsuite.inferencers.exchange import ManyRequests
from evalsuite.inferencers.groups import Groups
from evalsuite.inferencers.ppl import assistant_words, label_record, labels_of
from evalsuite.inferencers.setup import Setup
from evalsuite.store.keys import digest
from evalsuite.types import Answer, Prompt, Sample, Verb


class LLInferencer:
    """Chooses the label whose continuation is the most likely (its sum, unless `choose` names another rule).

    The continuation is the row's column `cont`, with which the label's text ends; or, with a `sep_token` in
    the template, what stands behind that mark; or, where the model takes messages, the last words said.
    """

    verb: ClassVar[Verb] = "loglikelihood"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._rule = str(setup.options.get("choose") or "acc")
        self._column = str(setup.options.get("continuation_column") or "cont")
        self._builder = setup.builder("ppl", keep_sep=True)
        self._sep = self._builder.template.sep_token
        self._labels = labels_of(setup, self._builder.template.labelled, self._builder.template.variants)
        self._fits = setup.fits(0)

    def exchange(self, sample: Sample, repeat: int) -> Exchange:
        prompts, _ = self._builder.build_labels(sample, self._labels, self._fits)
        pairs = [self._cut(prompt, sample) for prompt in prompts]
        words_of = [words for _, words in pairs]
        groups = Groups(self._setup, pairs, repeat, sample.id)

        def judge(answers: Mapping[str, Answer]) -> Answer:
            scores = groups.scores(answers)
            losses = [words_loss(score) for score in scores]
            return chosen(self._labels, scores, normalised(scores, words_of), self._rule, {"ppl": losses})

        keys = [request.key for request in groups.requests]
        key = digest(["ll", self._rule, list(map(str, self._labels)), keys])
        shown = [context + words if isinstance(context, str) else context for context, words in pairs]
        return ManyRequests(key, sample, repeat, groups.requests, judge, label_record(self._labels, shown))

    def _cut(self, prompt: Prompt, sample: Sample) -> tuple[Prompt, str]:
        if not isinstance(prompt, str):
            return assistant_words(prompt)
        if self._sep and self._sep in prompt:
            context, _, words = prompt.partition(self._sep)
            return context, words.replace(self._sep, "")
        words = str(sample.fields.get(self._column, ""))
        if words and prompt.endswith(words):
            return prompt[: -len(words)], words
        raise UserError(
            f"row {sample.id}: the text does not end with the column {self._column!r}",
            where="infer_cfg.prompt_template",
            expected=f"a text that ends with {{{self._column}}}, or a sep_token before the words to score",
        )
