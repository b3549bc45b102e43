"""What an inferencer is: it turns a sample into requests, and their answers into the sample's one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from evalsuite.types import Answer, Json, Request, Sample, Verb


class Exchange(Protocol):
    """One sample at one repeat on its way through a model: what is still to be asked, and what came of it.

    `key` is known before anything is asked: it identifies the row that this exchange will become, and rests
    on all that determines the answer. A follow-up request (the next turn of a dialogue) comes out of
    `receive`.
    """

    key: str
    sample: Sample
    repeat: int

    def start(self) -> Sequence[Request]:
        """The requests that can be made at once."""

    def receive(self, answer: Answer) -> Sequence[Request]:
        """Take the answer of one request; return those that it makes possible."""

    def result(self) -> Answer | None:
        """The sample's answer once all is in, else None. A failed request makes a failed answer."""

    def record(self) -> Json:
        """The prompt as shown to the model (text, messages, or label to text), kept beside the answer."""


class Inferencer(Protocol):
    """Makes the exchanges of a dataset for a model; `verb` says which of the model's two verbs is used."""

    verb: ClassVar[Verb]

    def exchange(self, sample: Sample, repeat: int) -> Exchange:
        """The exchange for one sample at one repeat (prompts are built here, so it may be costly)."""
