"""Options that stand behind contexts: as few requests as there are different contexts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalsuite.inferencers.setup import Setup
from evalsuite.types import Answer, OptionScore, Prompt, Request


class Groups:
    """The options of one sample, those behind the same context in one request, and their scores in order."""

    def __init__(
        self, setup: Setup, pairs: Sequence[tuple[Prompt, str]], repeat: int, sample_id: str
    ) -> None:
        places: dict[Prompt, list[int]] = {}
        for at, (context, _) in enumerate(pairs):
            places.setdefault(context, []).append(at)
        self.requests: list[Request] = []
        self._where: dict[int, tuple[str, int]] = {}
        for context, own in places.items():
            request = setup.score(context, [pairs[at][1] for at in own], repeat, sample_id)
            self.requests.append(request)
            for nth, at in enumerate(own):
                self._where[at] = (request.key, nth)

    def scores(self, answers: Mapping[str, Answer]) -> list[OptionScore]:
        """The score of each option, in the order they were given."""
        found = (self._where[at] for at in range(len(self._where)))
        return [answers[key].options[nth] for key, nth in found]
