"""What every inferencer is given: the configs, the dataset, and what is known about the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from evalsuite.datasets.base import Dataset
from evalsuite.inferencers.room import fits_in
from evalsuite.inferencers.sampling import read_sampling
from evalsuite.prompt.builder import PromptBuilder
from evalsuite.prompt.layout import Mode
from evalsuite.store.keys import request_key, sampling_digest
from evalsuite.types import Prompt, Request, Sampling


@dataclass(frozen=True)
class Setup:
    """The inputs of an inferencer; prompts, sampling and request keys come out of it."""

    infer_cfg: Mapping[str, Any]
    reader_cfg: Mapping[str, Any]
    dataset: Dataset
    kind: Literal["text", "messages"]
    meta_template: Any
    base_sampling: Sampling
    identity: str
    count_tokens: Callable[[Prompt], int] | None
    context: int | None

    @cached_property
    def options(self) -> Mapping[str, Any]:
        """The inferencer's own config."""
        options: Mapping[str, Any] = self.infer_cfg.get("inferencer") or {}
        return options

    @cached_property
    def sampling(self) -> Sampling:
        """How texts are drawn, the inferencer's wishes included."""
        return read_sampling(self.base_sampling, self.options)

    @cached_property
    def sampling_key(self) -> str:
        """The sampling's share of every request key."""
        return sampling_digest(self.sampling)

    @cached_property
    def scoring_key(self) -> str:
        """The sampling's share of a log-likelihood request's key: nothing is drawn, so nothing counts."""
        return sampling_digest(Sampling())

    def fits(self, reserved: int) -> Callable[[Prompt], bool] | None:
        """The test whether a prompt leaves room for `reserved` tokens."""
        return fits_in(self.count_tokens, self.context, reserved, self.options.get("max_seq_len"))

    def builder(self, mode: Mode, *, keep_sep: bool = False) -> PromptBuilder:
        """The dataset's prompts for this model."""
        dataset = self.dataset
        return PromptBuilder(
            self.infer_cfg,
            self.reader_cfg,
            kind=self.kind,
            meta_template=self.meta_template,
            mode=mode,
            examples=dataset.examples,
            questions=lambda: (sample.fields for sample in dataset.samples()),
            hidden=str(self.options.get("gen_field_replace_token") or ""),
            keep_sep=keep_sep,
        )

    def score(self, prompt: Prompt, continuations: Sequence[str], repeat: int) -> Request:
        """A request for the log-likelihood of each continuation behind a prompt."""
        key = request_key(self.identity, prompt, self.scoring_key, repeat, continuations)
        return Request(key, prompt, Sampling(), tuple(continuations), (), repeat)
