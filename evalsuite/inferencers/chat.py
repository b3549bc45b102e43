"""Chat: dialogues in which the model speaks the last turn, or every turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from evalsuite.errors import UserError
from evalsuite.inferencers.base import Exchange
from evalsuite.inferencers.exchange import message_json
from evalsuite.inferencers.gen import read_tools
from evalsuite.inferencers.setup import Setup
from evalsuite.inferencers.turns import Turns
from evalsuite.prompt.conversation import conversation_of_row, speaker
from evalsuite.prompt.template import read_template, short_type
from evalsuite.store.keys import digest
from evalsuite.types import Message, Request, Sample, Verb

MODES = ("last", "every", "every_with_gt")


class ChatInferencer:
    """Has the model speak in a dialogue.

    `infer_mode` "last" asks for the last assistant turn after the dialogue as it stands; "every" asks for
    each turn after the model's own earlier words; "every_with_gt" asks for each after the dialogue as it
    stands. The answer's extra has all `turns` and the `references` that stood in their places.
    """

    verb: ClassVar[Verb] = "generate"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._mode = str(setup.options.get("infer_mode") or "last")
        if self._mode not in MODES:
            raise UserError(
                f"unknown infer_mode {self._mode!r}",
                where="infer_cfg.inferencer.infer_mode",
                expected=", ".join(MODES),
            )
        if short_type(setup.infer_cfg.get("retriever") or {}) not in ("", "ZeroRetriever"):
            raise UserError(
                "a dialogue takes no examples", where="infer_cfg.retriever", expected="ZeroRetriever"
            )
        template = setup.infer_cfg.get("prompt_template")
        self._variant = read_template(template, "infer_cfg.prompt_template").first if template else None
        columns = setup.reader_cfg.get("input_columns") or ()
        self._columns = (columns,) if isinstance(columns, str) else tuple(columns)
        self._reference: str | None = setup.reader_cfg.get("output_column")
        self._speak = speaker(setup.kind, setup.meta_template)
        self._tools_column: str | None = setup.options.get("tools_column")

    def exchange(self, sample: Sample, repeat: int) -> Exchange:
        where = f"row {sample.id}"
        fields = sample.fields
        if self._reference and self._reference not in fields and sample.reference is not None:
            fields = {**fields, self._reference: sample.reference}
        messages = conversation_of_row(self._variant, fields, self._columns, self._reference, where)
        places = [at for at, message in enumerate(messages) if message.role == "assistant"]
        if not places:
            messages.append(Message("assistant"))
            places = [len(messages) - 1]
        if self._mode == "last":
            places = places[-1:]
        tools = read_tools(sample, self._tools_column) if self._tools_column else ()

        def ask(before: Sequence[Message], place: int) -> Request:
            return self._setup.generate(self._speak(before), repeat, sample.id, tools)

        known = messages[: places[-1]] if self._mode != "every" else _without(messages, places)
        key = digest(
            [
                ["chat", self._mode, self._setup.identity, self._setup.sampling_key, repeat],
                [message_json(message) for message in known],
                [tool.__dict__ for tool in tools],
                places,
                ask(messages[: places[0]], places[0]).key,
            ]
        )
        return Turns(key, sample, repeat, messages, places, ask, own_words=self._mode == "every")


def _without(messages: Sequence[Message], places: Sequence[int]) -> list[Message]:
    """The messages without the references that the model never sees."""
    return [Message("assistant") if at in places else message for at, message in enumerate(messages)]
