"""Self-consistency: several texts are drawn for a sample, and the answer that most of them reach counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from evalsuite.errors import UserError
from evalsuite.inferencers.base import Exchange
from evalsuite.inferencers.exchange import ManyRequests, prompt_json
from evalsuite.inferencers.gen import open_ended
from evalsuite.inferencers.setup import Setup
from evalsuite.store.keys import digest
from evalsuite.types import Answer, Sample, Verb

Extractor = Callable[[str], Any]


class SCInferencer:
    """Draws `sc_size` texts and takes the first one that reaches the majority's answer.

    `extractor` says what a text's answer is: a regular expression (its last match; the first group if it has
    one), or the name of a post-processor as in `eval_cfg`. A text without an answer has no vote. Where two
    answers have as many votes, the one drawn first wins. All texts and votes are in the answer's extra.
    """

    verb: ClassVar[Verb] = "generate"

    def __init__(self, setup: Setup) -> None:
        self._builder = setup.builder("gen")
        self._setup = setup
        self._fits = setup.fits(setup.sampling.max_out_len)
        self._size = int(setup.options.get("sc_size") or 1)
        extractor = setup.options.get("extractor")
        self._extract = read_extractor(extractor)
        self._rule = digest(extractor if isinstance(extractor, (str, dict)) else str(extractor))
        if self._size > 1 and setup.sampling.temperature == 0:
            raise UserError(
                f"{self._size} greedy texts are one text",
                where="infer_cfg.inferencer.generation_kwargs",
                expected="a temperature, such as dict(do_sample=True, temperature=0.7)",
            )

    def exchange(self, sample: Sample, repeat: int) -> Exchange:
        prompt = open_ended(self._builder.build(sample, self._fits))
        requests = []
        for draw in range(repeat * self._size, (repeat + 1) * self._size):
            requests.append(self._setup.generate(prompt, draw, sample.id))
        keys = [request.key for request in requests]

        def judge(answers: Mapping[str, Answer]) -> Answer:
            return vote([answers[key] for key in keys], self._extract)

        return ManyRequests(
            digest(["sc", self._rule, keys]), sample, repeat, requests, judge, prompt_json(prompt)
        )


def vote(answers: list[Answer], extract: Extractor) -> Answer:
    """The first answer that says what most of them say."""
    said = [extract(answer.text) for answer in answers]
    votes: dict[str, int] = {}
    for words in said:
        if words not in (None, ""):
            votes[str(words)] = votes.get(str(words), 0) + 1
    winner = max(votes, key=votes.__getitem__) if votes else None
    at = next((at for at, words in enumerate(said) if winner is not None and str(words) == winner), 0)
    extra = {
        "texts": [answer.text for answer in answers],
        "extracted": [None if words is None else str(words) for words in said],
        "votes": votes,
        "majority": winner,
        "finishes": [answer.finish for answer in answers],
    }
    return replace(answers[at], extra={**answers[at].extra, **extra})


def read_extractor(value: Any) -> Extractor:
    """What tells the answer of a text."""
    where = "infer_cfg.inferencer.extractor"
    if value is None:
        return str.strip
    if callable(value):
        return value  # type: ignore[no-any-return]
    if isinstance(value, Mapping):
        from evalsuite.registry import resolve

        keywords = {key: item for key, item in value.items() if key != "type"}
        function = resolve(str(value.get("type", "")), "postprocessors")
        return lambda text: function(text, **keywords)
    if isinstance(value, str):
        try:
            pattern = re.compile(value, re.DOTALL)
        except re.error as error:
            raise UserError(f"not a regular expression: {error}", where=where) from error
        return lambda text: _last_match(pattern, text)
    raise UserError(
        f"an extractor cannot be a {type(value).__name__}",
        where=where,
        expected="a regular expression, or dict(type='a post-processor')",
    )


def _last_match(pattern: re.Pattern[str], text: str) -> str | None:
    found = list(pattern.finditer(text))
    if not found:
        return None
    return found[-1].group(1) if pattern.groups else found[-1].group(0)
