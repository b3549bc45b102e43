"""What many prompts begin with (the few-shot block, the system's words): found, and computed once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from evalsuite.models.hf_cache import cropped
from evalsuite.models.hf_net import Net
from evalsuite.models.hf_transfer import Arriving, placed

LEAST_SHARED = 12
WORTH = 200
PREFIX_CHUNK = 1024

T = TypeVar("T")


class Beginning:
    """Keys, values and (where asked for) log-probabilities of one beginning, kept for who comes next."""

    def __init__(self, net: Net) -> None:
        self._net = net
        self.forget()

    def forget(self) -> None:
        """Give the memory back."""
        self.cache: Any = None
        self.ids: list[int] = []
        self.scores: list[tuple[float, bool]] = []

    def have(self, ids: Sequence[int], logit_rows: int = 0) -> None:
        """Have these first tokens; with `logit_rows`, scored too, no more than so many at a time."""
        import torch
        from transformers.cache_utils import DynamicCache

        scored = logit_rows > 0
        same = common([self.ids, list(ids)]) if self.cache is not None else 0
        if scored and len(self.scores) < min(same, len(ids)):
            same = 0
        if same == len(ids):
            return
        # The last common token is computed again: its logits say how likely the next, new one is.
        keep = max(0, same - 1)
        cache = cropped(self.cache, keep) if keep else DynamicCache()
        scores = self.scores[: keep + 1] if scored else []
        if scored and not scores:
            scores = [(0.0, True)]
        chunk = max(1, min(PREFIX_CHUNK, logit_rows)) if scored else PREFIX_CHUNK
        for start in range(keep, len(ids), chunk):
            part = list(ids[start : start + chunk])
            x = placed([part], self._net.device)
            positions = torch.arange(start, start + len(part), device=x.device)[None]
            mask = torch.ones(len(part), start + len(part), dtype=torch.bool, device=x.device).tril(start)
            targets = list(ids[start + 1 : start + len(part) + 1])
            picked = torch.arange(len(targets) if scored else 1, device=x.device)
            if not len(picked):
                picked = torch.zeros(1, dtype=torch.long, device=x.device)
            logits = self._net.forward(x, picked, mask[None, None], positions, cache)
            if scored and targets:
                scores = scores[: start + 1] + read_scores(gather(logits, targets))
        self.cache, self.ids = cache, list(ids)
        self.scores = scores


def gather(logits: Any, targets: Sequence[int]) -> Arriving:
    """The log-probability of each target in its row of logits, and whether it is the likeliest token."""
    import torch

    wanted = placed(targets, logits.device)[:, None]
    values = logits.gather(-1, wanted)[:, 0] - logits.logsumexp(-1)
    best = logits.argmax(-1) == wanted[:, 0]
    return Arriving(torch.stack([values, best.to(values.dtype)], dim=1))


def read_scores(found: Arriving) -> list[tuple[float, bool]]:
    """What `gather` sent."""
    return [(value, bool(best)) for value, best in found.read()]


def common(rows: Sequence[list[int]]) -> int:
    """How many first tokens all rows share."""
    low, high = min(rows), max(rows)
    limit = min(len(low), len(high))
    if low[:limit] == high[:limit]:
        return limit
    return next(at for at in range(limit) if low[at] != high[at])


def worth(net: Net) -> int:
    """How many tokens a beginning has to save, since it costs a pass of its own."""
    return max(WORTH, net.call_tokens()) if net.device.type == "cuda" else WORTH


def clusters(entries: Iterable[tuple[list[int], int, T]], least: int = WORTH) -> list[tuple[list[T], int]]:
    """Entries grouped by a common beginning that is worth a pass of its own, with its length (0 when alone).

    An entry is its ids, how many of them it can share, and what it stands for. Sorted by ids, neighbours
    share the most. A group is ended where going on would cost it more than half of what it shares. It has to
    save at least `least` tokens.
    """
    groups: list[tuple[list[T], list[int], int]] = []
    for ids, most, entry in sorted(entries, key=lambda entry: entry[0]):
        if groups:
            members, first, length = groups[-1]
            same = min(length, most, common([first, ids]))
            if same == length or (same >= LEAST_SHARED and same * 2 >= length):
                members.append(entry)
                groups[-1] = (members, first, same)
                continue
        groups.append(([entry], ids, most))
    kept = [(members, length) for members, _, length in groups if (len(members) - 1) * length >= least]
    rest = [one for members, _, length in groups if (len(members) - 1) * length < least for one in members]
    return [*kept, (rest, 0)] if rest else kept
