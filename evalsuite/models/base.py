"""What a model backend is: two verbs over streams, in order of completion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from evalsuite.types import Answer, Prompt, Request

PromptKind = Literal["text", "messages"]


@dataclass(frozen=True)
class ModelFacts:
    """What a loaded model says of itself; goes into the run's manifest and into the template audit."""

    engine: str
    version: str = ""
    context: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Model(Protocol):
    """One backend. A stream of requests goes in, answers come out as they end, not as they were asked.

    Backends pull from `requests` only as fast as they can work, so that a stream may be endless; they never
    raise for a single request: its answer carries the failure. What makes the whole backend useless (a model
    that cannot be loaded, a refused key) is raised. Building an instance may load the weights.

    The constructor's keyword arguments are the keys that a model dict may carry (besides the engine's own:
    abbr, type, max_out_len, batch_size, run_cfg, meta_template, ...), so that a config is checked against
    the signature without loading anything. Class attributes: `prompt_kind` says whether prompts come as
    final text or as messages; `needs` names the packages that must be installed.
    """

    prompt_kind: ClassVar[PromptKind]
    needs: ClassVar[tuple[str, ...]]

    def generate(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request with a text."""

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request with the log-likelihood of each of its continuations."""

    def count_tokens(self, prompt: Prompt) -> int:
        """How long a prompt is for this model, its template included."""

    def facts(self) -> ModelFacts:
        """What this model is: engine, version, context window, template, stop tokens, warnings."""

    def close(self) -> None:
        """Give back what the model holds: memory, processes, connections."""
