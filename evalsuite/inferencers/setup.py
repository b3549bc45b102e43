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
from evalsuite.types import Prompt, Request, Sampling, Tool


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
    def no_sampling(self) -> Sampling:
        """What a log-likelihood request carries: nothing is drawn, so no parameter counts in its key."""
        return Sampling()

    @cached_property
    def scoring_key(self) -> str:
        """The share of `no_sampling` in a request's key."""
        return sampling_digest(self.no_sampling)

    def fits(self, reserved: int) -> Callable[[Prompt], bool] | None:
        """The test whether a prompt leaves room for `reserved` tokens."""
        return fits_in(self.count_tokens, self.context, reserved, self.options.get("max_seq_len"))

    def builder(self, mode: Mode, *, keep_sep: bool = False, as_messages: bool = False) -> PromptBuilder:
        """The dataset's prompts for this model (or as messages, whatever it takes)."""
        return PromptBuilder(
            self.infer_cfg,
            self.reader_cfg,
            kind="messages" if as_messages else self.kind,
            meta_template=None if as_messages and self.kind == "text" else self.meta_template,
            mode=mode,
            examples=self.dataset.examples,
            hidden=str(self.options.get("gen_field_replace_token") or ""),
            keep_sep=keep_sep,
        )

    def generate(self, prompt: Prompt, repeat: int, sample_id: str, tools: tuple[Tool, ...] = ()) -> Request:
        """A request for a text."""
        key = request_key(self.identity, prompt, self.sampling_key, repeat, (), tools)
        return Request(key, prompt, self.sampling, (), tools, repeat, sample_id)

    def score(self, prompt: Prompt, continuations: Sequence[str], repeat: int, sample_id: str) -> Request:
        """A request for the log-likelihood of each continuation behind a prompt."""
        key = request_key(self.identity, prompt, self.scoring_key, repeat, continuations)
        return Request(key, prompt, self.no_sampling, tuple(continuations), (), repeat, sample_id)
