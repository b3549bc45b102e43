"""PPL: every label's whole text is scored, and the one that surprises the model least is the answer."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from evalsuite.errors import UserError
from evalsuite.inferencers.base import Exchange
from evalsuite.inferencers.choice import bits_per_byte, chosen, first_best, normalised, text_loss, words_loss
from evalsuite.inferencers.exchange import Judge, ManyRequests, prompt_json
from evalsuite.inferencers.groups import Groups
from evalsuite.inferencers.setup import Setup
from evalsuite.store.keys import digest
from evalsuite.types import Answer, Json, Prompt, Request, Sample, Verb


class PPLInferencer:
    """Chooses the label with the smallest mean cross-entropy of its whole prompt.

    With `normalizing_str` only the words behind the separator count, and what they cost behind that neutral
    string is taken off. A model that takes messages can score the assistant's words alone.
    """

    verb: ClassVar[Verb] = "loglikelihood"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._neutral: str | None = setup.options.get("normalizing_str")
        self._rule = str(setup.options.get("choose") or "ppl")
        self._builder = setup.builder("ppl", keep_sep=self._neutral is not None)
        self._labels = labels_of(setup, self._builder.template.labelled, self._builder.template.variants)
        self._sep = self._builder.template.sep_token or ""
        if self._neutral is not None and not self._sep:
            raise UserError(
                "normalizing_str needs a mark between the question and the words to score",
                where="infer_cfg.prompt_template.sep_token",
                expected="a sep_token that stands in the template",
            )
        self._fits = setup.fits(0)

    def exchange(self, sample: Sample, repeat: int) -> Exchange:
        prompts, _ = self._builder.build_labels(sample, self._labels, self._fits)
        texts = [prompt for prompt in prompts if isinstance(prompt, str)]
        if len(texts) < len(prompts):
            return self._spoken(sample, repeat, prompts)
        if self._neutral is not None:
            return self._against_neutral(sample, repeat, texts, self._neutral)
        return self._whole(sample, repeat, texts)

    def _whole(self, sample: Sample, repeat: int, texts: Sequence[str]) -> Exchange:
        request = self._setup.score("", texts, repeat, sample.id)

        def judge(answers: Mapping[str, Answer]) -> Answer:
            scores = answers[request.key].options
            losses = [text_loss(score) for score in scores]
            choices = {
                "ppl": first_best([-loss for loss in losses]),
                "acc": first_best([score.logprob for score in scores]),
            }
            bits = [bits_per_byte(score, text) for score, text in zip(scores, texts, strict=True)]
            return chosen(self._labels, scores, choices, self._rule, {"ppl": losses, "bpb": bits})

        return self._exchange(sample, repeat, [request], judge, texts)

    def _against_neutral(self, sample: Sample, repeat: int, texts: Sequence[str], neutral: str) -> Exchange:
        pairs: list[tuple[Prompt, str]] = []
        for text in texts:
            context, _, words = text.partition(self._sep)
            pairs.append((context, words.replace(self._sep, "")))
        words_of = [words for _, words in pairs]
        groups = Groups(self._setup, pairs, repeat, sample.id)
        reference = self._setup.score(neutral, words_of, repeat, sample.id)

        def judge(answers: Mapping[str, Answer]) -> Answer:
            scores = groups.scores(answers)
            neutrals = answers[reference.key].options
            losses = [words_loss(own) - words_loss(base) for own, base in zip(scores, neutrals, strict=True)]
            choices = {"ppl": first_best([-loss for loss in losses]), **normalised(scores, words_of)}
            return chosen(self._labels, scores, choices, self._rule, {"ppl": losses})

        shown = [str(context) + words for context, words in pairs]
        return self._exchange(sample, repeat, [*groups.requests, reference], judge, shown)

    def _spoken(self, sample: Sample, repeat: int, prompts: Sequence[Prompt]) -> Exchange:
        pairs = [assistant_words(prompt) for prompt in prompts]
        words_of = [words for _, words in pairs]
        groups = Groups(self._setup, pairs, repeat, sample.id)

        def judge(answers: Mapping[str, Answer]) -> Answer:
            scores = groups.scores(answers)
            losses = [words_loss(score) for score in scores]
            choices = {"ppl": first_best([-loss for loss in losses]), **normalised(scores, words_of)}
            return chosen(self._labels, scores, choices, self._rule, {"ppl": losses})

        return self._exchange(sample, repeat, groups.requests, judge, prompts)

    def _exchange(
        self, sample: Sample, repeat: int, requests: Sequence[Request], judge: Judge, shown: Sequence[Prompt]
    ) -> Exchange:
        key = digest(["ppl", self._rule, list(map(str, self._labels)), [request.key for request in requests]])
        return ManyRequests(key, sample, repeat, requests, judge, label_record(self._labels, shown))


def labels_of(setup: Setup, labelled: bool, variants: Mapping[Hashable, object]) -> tuple[Hashable, ...]:
    """The labels to compare: the inferencer's own list, else those of the template."""
    given = setup.options.get("labels")
    if not labelled:
        raise UserError(
            "there is one prompt for all labels, so none can be chosen",
            where="infer_cfg.prompt_template.template",
            expected="a dict from each label to its template",
        )
    return tuple(given) if given else tuple(variants)


def label_record(labels: Sequence[Hashable], shown: Sequence[Prompt]) -> Json:
    """The prompt of each label, kept beside the answer."""
    return {f"label: {label}": prompt_json(prompt) for label, prompt in zip(labels, shown, strict=True)}


def assistant_words(prompt: Prompt) -> tuple[Prompt, str]:
    """Messages cut before the assistant's last words, which are what is scored."""
    if isinstance(prompt, str) or not prompt or prompt[-1].role != "assistant":
        raise UserError(
            "a model that takes messages can only score the assistant's words",
            where="infer_cfg.prompt_template",
            expected="label templates that end with a BOT turn, or a model that takes text",
        )
    return prompt[:-1], prompt[-1].text
