"""Exchanges: one sample's requests on their way, and the answer that they make together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from evalsuite.types import Answer, ImagePart, Json, Message, Prompt, Request, Sample, TextPart


class OneRequest:
    """A sample that is answered by one request, with the answer taken as it is."""

    __slots__ = ("_answer", "key", "repeat", "request", "sample")

    def __init__(self, sample: Sample, repeat: int, request: Request) -> None:
        self.sample = sample
        self.repeat = repeat
        self.request = request
        self.key = request.key
        self._answer: Answer | None = None

    def start(self) -> Sequence[Request]:
        return (self.request,)

    def receive(self, answer: Answer) -> Sequence[Request]:
        self._answer = answer
        return ()

    def result(self) -> Answer | None:
        return self._answer

    def record(self) -> Json:
        return prompt_json(self.request.prompt)


Judge = Callable[[Mapping[str, Answer]], Answer]


class ManyRequests:
    """A sample that is answered by several requests at once; `judge` makes one answer of theirs."""

    __slots__ = ("_answers", "_judge", "_record", "_requests", "key", "repeat", "sample")

    def __init__(
        self, key: str, sample: Sample, repeat: int, requests: Sequence[Request], judge: Judge, record: Json
    ) -> None:
        self.key = key
        self.sample = sample
        self.repeat = repeat
        self._requests = tuple({request.key: request for request in requests}.values())
        self._judge = judge
        self._record = record
        self._answers: dict[str, Answer] = {}

    def start(self) -> Sequence[Request]:
        return self._requests

    def receive(self, answer: Answer) -> Sequence[Request]:
        self._answers[answer.key] = answer
        return ()

    def result(self) -> Answer | None:
        if len(self._answers) < len(self._requests):
            return None
        answers = [self._answers[request.key] for request in self._requests]
        failed = next((answer for answer in answers if answer.error is not None), None)
        if failed is not None:
            return sum_up(replace(failed, key=self.key), answers)
        return sum_up(replace(self._judge(self._answers), key=self.key), answers)

    def record(self) -> Json:
        return self._record


def sum_up(answer: Answer, parts: Sequence[Answer]) -> Answer:
    """The answer with the costs of all the requests behind it."""
    return replace(
        answer,
        prompt_tokens=sum(part.prompt_tokens for part in parts),
        output_tokens=sum(part.output_tokens for part in parts),
        seconds=sum(part.seconds for part in parts),
    )


def prompt_json(prompt: Prompt) -> Json:
    """A prompt as it is kept beside an answer: a text, or messages with role and content."""
    return prompt if isinstance(prompt, str) else [message_json(message) for message in prompt]


def message_json(message: Message) -> Json:
    """A message as plain data."""
    if isinstance(message.content, str):
        out: dict[str, Json] = {"role": message.role, "content": message.content}
    else:
        parts: list[Json] = []
        for part in message.content:
            if isinstance(part, TextPart):
                parts.append({"type": "text", "text": part.text})
            else:
                kind = "image" if isinstance(part, ImagePart) else "audio"
                parts.append({"type": kind, kind: part.source, **part.options})
        out = {"role": message.role, "content": parts}
    if message.tool_calls:
        out["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": dict(call.arguments)}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        out["tool_call_id"] = message.tool_call_id
    return out
