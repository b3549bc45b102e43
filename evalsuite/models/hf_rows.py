"""One request on its way through a decoding loop, and how its next token is chosen."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalsuite.models.settings import EXTRA, request_seed
from evalsuite.models.tokens import StopStrings, cut_at, decode_behind
from evalsuite.types import Answer, Finish, Request, Sampling


@dataclass(frozen=True)
class Knobs:
    """How tokens are drawn, once the model's defaults and the request's wishes are one."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0

    @classmethod
    def of(cls, sampling: Sampling) -> Knobs:
        """The knobs of a request."""
        extra = {name: float(sampling.extra[name]) for name in EXTRA if name in sampling.extra}
        return cls(
            sampling.temperature,
            sampling.top_p,
            sampling.top_k,
            repetition_penalty=sampling.repetition_penalty,
        ).with_extra(extra)

    def with_extra(self, extra: Mapping[str, float]) -> Knobs:
        """These knobs with the named ones set."""
        return Knobs(**{**self.__dict__, **extra})

    @property
    def penal(self) -> bool:
        """Whether tokens already seen are made less likely."""
        return self.repetition_penalty != 1.0 or self.presence_penalty != 0.0 or self.frequency_penalty != 0.0


@dataclass
class Row:
    """A request that is being decoded: its prompt, what came so far, and when it ends."""

    request: Request
    ids: list[int]
    limit: int
    ends: frozenset[int]
    stops: StopStrings
    seed: int
    minimum: int = 0
    notes: dict[str, Any] = field(default_factory=dict)
    tokens: list[int] = field(default_factory=list)
    produced: int = 0
    finish: Finish = "unknown"
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.knobs = Knobs.of(self.request.sampling)
        self._random = random.Random(request_seed(self.request, self.seed, self.ids))
        self._plain = not self.knobs.penal and self.knobs.temperature <= 0

    @property
    def fed(self) -> list[int]:
        """All tokens up to now."""
        return self.ids + self.tokens

    @property
    def length(self) -> int:
        """Tokens in the model's cache once the last one is fed."""
        return len(self.ids) + len(self.tokens)

    @property
    def plain(self) -> bool:
        """Whether the next token is simply the likeliest one."""
        return self._plain and len(self.tokens) >= self.minimum

    def restart(self) -> None:
        """Forget what came so far; the same tokens will be drawn again."""
        self.tokens, self.produced, self.finish = [], 0, "unknown"
        self._random = random.Random(request_seed(self.request, self.seed, self.ids))

    def uniform(self) -> float:
        """The next random number of this row; it depends on the request alone, never on its neighbours."""
        return self._random.random()

    def take(self, token: int) -> bool:
        """Add a token; true when the row has ended with it."""
        self.produced += 1
        if token in self.ends:
            self.finish = "stop"
            return True
        self.tokens.append(token)
        if self.stops.ended(self.tokens, self.minimum):
            self.finish = "stop"
        elif len(self.tokens) >= self.limit:
            self.finish = "length"
        else:
            return False
        return True

    def answer(self, tokenizer: Any) -> Answer:
        """What came of the request."""
        text = decode_behind(tokenizer, self.ids, self.tokens)
        first = self.tokens[: self.minimum]
        start = len(decode_behind(tokenizer, self.ids, first)) if first else 0
        cut, stop = cut_at(text, self.stops.stops, start)
        if stop:
            text, self.finish = cut, "stop"
            self.notes["stopped_by"] = stop
        return Answer(
            key=self.request.key,
            text=text,
            finish=self.finish,
            prompt_tokens=len(self.ids),
            output_tokens=self.produced,
            seconds=time.monotonic() - self.started,
            extra=self.notes,
        )


def choose(logits: Any, rows: Sequence[Row]) -> list[int]:
    """The next token of each row, from its row of logits."""
    if all(row.plain for row in rows):
        found: list[int] = logits.argmax(-1).tolist()
        return found
    import torch

    scores = logits.float().clone()
    for place, row in enumerate(rows):
        if row.knobs.penal:
            _punish(scores[place], row)
        if len(row.tokens) < row.minimum:
            scores[place, list(row.ends)] = -torch.inf
    chosen = scores.argmax(-1)
    drawn = [place for place, row in enumerate(rows) if row.knobs.temperature > 0]
    if drawn:
        picked = draw(
            scores[drawn], [rows[place].knobs for place in drawn], [rows[p].uniform() for p in drawn]
        )
        chosen[drawn] = picked
    result: list[int] = chosen.tolist()
    return result


def _punish(scores: Any, row: Row) -> None:
    import torch

    knobs = row.knobs
    if knobs.repetition_penalty != 1.0:
        seen = torch.tensor(sorted({*row.ids, *row.tokens}), device=scores.device)
        values = scores[seen]
        scores[seen] = torch.where(
            values > 0, values / knobs.repetition_penalty, values * knobs.repetition_penalty
        )
    if row.tokens and (knobs.presence_penalty or knobs.frequency_penalty):
        seen, counts = torch.tensor(row.tokens, device=scores.device).unique(return_counts=True)
        scores[seen] -= knobs.presence_penalty + knobs.frequency_penalty * counts


def draw(scores: Any, knobs: Sequence[Knobs], uniform: Sequence[float]) -> Any:
    """One token per row by inverting the cumulative probabilities at the row's own random number."""
    import torch

    device = scores.device

    def column(values: Sequence[float]) -> Any:
        return torch.tensor(values, device=device, dtype=torch.float32)[:, None]

    scores = scores / column([knob.temperature for knob in knobs])
    order = None
    if any(knob.top_k or knob.top_p < 1 for knob in knobs):
        size = scores.shape[-1]
        tops = [knob.top_k if 0 < knob.top_k < size else size for knob in knobs]
        widest = max(tops)
        scores, order = scores.topk(widest, dim=-1) if widest < size else scores.sort(-1, descending=True)
        ranks = torch.arange(scores.shape[-1], device=device)[None]
        scores = scores.masked_fill(ranks >= column(tops), -torch.inf)
        chances = scores.softmax(-1)
        before = chances.cumsum(-1) - chances
        scores = scores.masked_fill(before >= column([max(knob.top_p, 1e-9) for knob in knobs]), -torch.inf)
    chances = scores.softmax(-1)
    if any(knob.min_p for knob in knobs):
        least = column([knob.min_p for knob in knobs]) * chances.max(-1, keepdim=True).values
        chances = chances.masked_fill(chances < least, 0.0)
    heights = chances.double().cumsum(-1)
    target = column(uniform).double() * heights[:, -1:]
    place = torch.searchsorted(heights, target, right=True).clamp(max=heights.shape[-1] - 1)
    # Rounding may land on a token of no chance at the very end; step back to one that has some.
    best = chances.argmax(-1, keepdim=True)
    place = torch.where(chances.gather(-1, place) > 0, place, best)
    return (order.gather(-1, place) if order is not None else place)[:, 0]
