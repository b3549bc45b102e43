"""Dialogues that are asked turn by turn: which places the model fills, and what it sees before each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evalsuite.inferencers.exchange import message_json, sum_up
from evalsuite.types import Answer, Json, Message, Request, Sample

Ask = Callable[[Sequence[Message], int], Request]


class Turns:
    """A dialogue some of whose assistant turns the model speaks, one after the other.

    `own_words` puts the model's words into what it sees later; otherwise the reference stays there, and all
    turns can be asked at once. `ask` makes a request of the messages before a turn.
    """

    __slots__ = (
        "_answers",
        "_ask",
        "_messages",
        "_open",
        "_own_words",
        "_places",
        "_references",
        "key",
        "repeat",
        "sample",
    )

    def __init__(
        self,
        key: str,
        sample: Sample,
        repeat: int,
        messages: Sequence[Message],
        places: Sequence[int],
        ask: Ask,
        own_words: bool,
    ) -> None:
        self.key = key
        self.sample = sample
        self.repeat = repeat
        self._messages = list(messages)
        self._places = tuple(places)
        self._ask = ask
        self._own_words = own_words
        self._references = [messages[place].text for place in places]
        self._open: dict[str, list[int]] = {}
        self._answers: dict[int, Answer] = {}

    def start(self) -> Sequence[Request]:
        wanted = self._places[:1] if self._own_words else self._places
        requests = {}
        for place in wanted:
            request = self._ask(self._messages[:place], place)
            requests[request.key] = request
            self._open.setdefault(request.key, []).append(place)
        return tuple(requests.values())

    def receive(self, answer: Answer) -> Sequence[Request]:
        places = self._open.pop(answer.key)
        for place in places:
            self._answers[place] = answer
        if not self._own_words or answer.error is not None or len(self._answers) == len(self._places):
            return ()
        place = places[-1]
        self._messages[place] = Message("assistant", answer.text, answer.tool_calls)
        following = self._places[len(self._answers)]
        request = self._ask(self._messages[:following], following)
        self._open[request.key] = [following]
        return (request,)

    def result(self) -> Answer | None:
        done = [self._answers[place] for place in self._places if place in self._answers]
        failed = next((answer for answer in done if answer.error is not None), None)
        if self._open or (failed is None and len(done) < len(self._places)):
            return None
        last = failed or done[-1]
        extra = {
            **last.extra,
            "turns": [answer.text for answer in done],
            "references": self._references,
            "finishes": [answer.finish for answer in done],
        }
        if any(answer.finish == "length" for answer in done):
            last = replace(last, finish="length")
        return sum_up(replace(last, key=self.key, extra=extra), done)

    def record(self) -> Json:
        return [message_json(message) for message in self._messages[: self._places[-1]]]
