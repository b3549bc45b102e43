"""PPL: every label's whole text is scored, and the one that surprises the model least is the answer."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from evalsuite.errors import UserError
from evalsuite.inferencers.base import Exchange
from evalsuite.inferencers.choice import bits_per_byte, chosen, first_best, mean_loss, normalised
from evalsuite.inferencers.exchange import ManyRequests, prompt_json
from evalsuite.inferencers.setup import Setup
from evalsuite.store.keys import digest
from evalsuite.types import Answer, Message, OptionScore, Prompt, Request, Sample, Verb


class PPLInferencer:
    """Chooses the label with the smallest mean cross-entropy of its whole prompt.

    With `normalizing_str` only the words behind the separator count, and what they cost behind that neutral
    string is taken off.
    """

    verb: ClassVar[Verb] = "loglikelihood"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._neutral: str | None = setup.options.get("normalizing_str")
        self._builder = setup.builder("ppl", keep_sep=self._neutral is not None)
        self._labels = labels_of(setup, self._builder.template.labelled, self._builder.template.variants)
        self._sep = self._builder.template.sep_token
        if self._neutral is not None and not self._sep:
            raise UserError(
                "normalizing_str needs a mark between the question and the words to score",
                where="infer_cfg.prompt_template.sep_token",
                expected="a sep_token that stands in the template",
            )
        self._fits = setup.fits(0)

    def exchange(self, sample: Sample, repeat: int) -> Exchange:
        prompts, _ = self._builder.build_labels(sample, self._labels, self._fits)
        record = {
            f"label: {label}": prompt_json(prompt)
            for label, prompt in zip(self._labels, prompts, strict=True)
        }
        texts = [prompt for prompt in prompts if isinstance(prompt, str)]
        if len(texts) < len(prompts):
            return self._spoken(sample, repeat, prompts, record)
        if self._neutral is not None:
            return self._against_neutral(sample, repeat, texts, self._neutral)
        request = self._setup.score("", texts, repeat)
        labels = self._labels

        def judge(answers: Mapping[str, Answer]) -> Answer:
            scores = answers[request.key].options
            losses = [mean_loss(score) for score in scores]
            choices = {
                "ppl": first_best([-loss for loss in losses]),
                "acc": first_best([score.logprob for score in scores]),
            }
            bits = [bits_per_byte(score, text) for score, text in zip(scores, texts, strict=True)]
            return chosen(labels, scores, choices, "ppl", {"ppl": losses, "bpb": bits})

        return self._exchange(sample, repeat, [request], judge, record)

    def _against_neutral(self, sample: Sample, repeat: int, texts: Sequence[str], neutral: str) -> Exchange:
        sep = self._sep or ""
        contexts, words = [], []
        for text in texts:
            context, _, rest = text.partition(sep)
            contexts.append(context)
            words.append(rest.replace(sep, ""))
        requests = [
            self._setup.score(
                context, [words[at] for at, own in enumerate(contexts) if own == context], repeat
            )
            for context in dict.fromkeys(contexts)
        ]
        reference = self._setup.score(neutral, words, repeat)
        places = [
            (contexts.index(context), contexts[:at].count(context)) for at, context in enumerate(contexts)
        ]
        by_context = {
            contexts.index(context): request
            for context, request in zip(dict.fromkeys(contexts), requests, strict=True)
        }
        labels = self._labels

        def judge(answers: Mapping[str, Answer]) -> Answer:
            scores = [answers[by_context[first].key].options[nth] for first, nth in places]
            base = [mean_loss(score) for score in answers[reference.key].options]
            losses = [mean_loss(score) - less for score, less in zip(scores, base, strict=True)]
            choices = {"ppl": first_best([-loss for loss in losses]), **normalised(scores, words)}
            return chosen(labels, scores, choices, "ppl", {"ppl": losses})

        record = {
            f"label: {label}": context + word
            for label, context, word in zip(labels, contexts, words, strict=True)
        }
        return self._exchange(sample, repeat, [*requests, reference], judge, record)

    def _spoken(
        self, sample: Sample, repeat: int, prompts: Sequence[Prompt], record: Mapping[str, object]
    ) -> Exchange:
        """Labels as the words of the assistant, where the model takes messages: only those words are scored."""
        asked: list[tuple[Message, ...]] = []
        words: list[str] = []
        for prompt in prompts:
            if isinstance(prompt, str) or not prompt or prompt[-1].role != "assistant":
                raise UserError(
                    "a model that takes messages can only score the assistant's words",
                    where="infer_cfg.prompt_template",
                    expected="label templates that end with a BOT turn, or a text model",
                )
            asked.append(prompt[:-1])
            words.append(prompt[-1].text)
        groups: dict[tuple[Message, ...], list[int]] = {}
        for at, context in enumerate(asked):
            groups.setdefault(context, []).append(at)
        requests = {
            context: self._setup.score(context, [words[at] for at in places], repeat)
            for context, places in groups.items()
        }
        labels = self._labels

        def judge(answers: Mapping[str, Answer]) -> Answer:
            scores: list[OptionScore] = [
                answers[requests[context].key].options[groups[context].index(at)]
                for at, context in enumerate(asked)
            ]
            losses = [mean_loss(score) for score in scores]
            choices = {"ppl": first_best([-loss for loss in losses]), **normalised(scores, words)}
            return chosen(labels, scores, choices, "ppl", {"ppl": losses})

        return self._exchange(sample, repeat, list(requests.values()), judge, record)

    def _exchange(
        self, sample: Sample, repeat: int, requests: list[Request], judge: object, record: object
    ) -> Exchange:
        key = digest(
            [
                "ppl",
                self._neutral,
                [str(label) for label in self._labels],
                [request.key for request in requests],
            ]
        )
        return ManyRequests(key, sample, repeat, requests, judge, record)  # type: ignore[arg-type]


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
