"""Log-likelihoods with everything that texts have in common computed once.

A window of requests is sorted by token ids, so that requests with a common beginning (the few-shot block) are
neighbours; that beginning is one row of keys and values for all of them. Behind it, each request is one row:
its own beginning (the question) once, then every option, hidden from each other by the mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from evalsuite.models.hf_cache import behind, cropped
from evalsuite.models.hf_net import Net, free_bytes, is_out_of_memory, rectangle
from evalsuite.models.prompts import Option
from evalsuite.types import OptionScore

WINDOW = 256
LEAST_SHARED = 12
WORTH = 200
ROW_TOKENS = {"cpu": 4096, "cuda": 32768}
LOGIT_BYTES = {"cpu": 256 << 20, "cuda": 2 << 30}
PREFIX_CHUNK = 1024


@dataclass
class Job:
    """A request's options, with what came of them."""

    tag: Any
    options: list[Option]
    shared: int = 0
    scores: list[OptionScore] | None = None

    def __post_init__(self) -> None:
        # What all options have in common; each keeps at least one token of its own to sit in a row.
        self.shared = min([common([o.ids for o in self.options]), *(len(o.ids) - 1 for o in self.options)])
        self.first = min(option.start for option in self.options)


class Scorer:
    """Scores jobs in windows; batch sizes follow from memory and are halved when it runs out."""

    def __init__(self, net: Net, batch_size: int | None) -> None:
        self.net = net
        kind = net.device.type
        self.row_tokens = ROW_TOKENS.get(kind, 4096)
        room = int(free_bytes(net.device) * 0.5)
        self.logit_rows = max(
            64, min(LOGIT_BYTES.get(kind, 256 << 20), room // 4) // (4 * net.vocabulary * 2)
        )
        self.rows = batch_size or (32 if kind == "cpu" else 256)
        self.halvings = 0
        self._prefix: Any = None
        self._prefix_ids: list[int] = []
        self._prefix_scores: list[tuple[float, bool]] = []

    def run(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """Score a stream of jobs, a window at a time."""
        stream = iter(jobs)
        while window := list(islice(stream, WINDOW)):
            for cluster, length in clusters(window):
                yield from self._cluster(cluster, length)
        self._prefix, self._prefix_ids, self._prefix_scores = None, [], []

    def _cluster(self, jobs: list[Job], length: int) -> Iterator[Job]:
        """Score jobs that share their first `length` tokens."""
        queue = sorted(jobs, key=lambda job: _width(job, length), reverse=True)
        while queue:
            batch: list[Job] = []
            need, wide = 0, _width(queue[0], length)
            for job in queue[: self.rows]:
                more = sum(len(option.ids) - max(option.start, length) for option in job.options)
                if batch and (wide * (len(batch) + 1) > self.row_tokens or need + more > self.logit_rows):
                    break
                batch.append(job)
                need += more
            long = len(batch) == 1 and (wide > self.row_tokens or need > self.logit_rows)
            try:
                # One long text is its own beginning: that is computed in pieces.
                self._score(batch, max(length, batch[0].shared) if long else length)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._prefix, self._prefix_ids, self._prefix_scores = None, [], []
                self.halvings += 1
                if len(batch) == 1 and self.logit_rows <= 64 and length == 0:
                    yield batch[0]
                    del queue[:1]
                    continue
                self.rows = max(1, len(batch) // 2)
                self.row_tokens = max(256, self.row_tokens // 2)
                self.logit_rows = max(64, self.logit_rows // 2)
                if len(batch) == 1:
                    length = 0
                continue
            del queue[: len(batch)]
            yield from batch

    # ------------------------------------------------------------------ the shared beginning
    def _prepare(self, ids: list[int], scored: bool) -> None:
        """Have keys and values (and, if asked for, log-probabilities) of these first tokens."""
        import torch
        from transformers.cache_utils import DynamicCache

        same = common([self._prefix_ids, ids]) if self._prefix is not None else 0
        if scored and len(self._prefix_scores) < min(same, len(ids)):
            same = 0
        if same == len(ids):
            return
        # The last common token is computed again: its logits say how likely the next, new one is.
        keep = max(0, same - 1)
        cache = cropped(self._prefix, keep) if keep else DynamicCache()
        scores = self._prefix_scores[: keep + 1] if scored else []
        if scored and not scores:
            scores = [(0.0, True)]
        chunk = max(1, min(PREFIX_CHUNK, self.logit_rows)) if scored else PREFIX_CHUNK
        for start in range(keep, len(ids), chunk):
            part = list(ids[start : start + chunk])
            x = torch.tensor([part], device=self.net.device)
            positions = torch.arange(start, start + len(part), device=x.device)[None]
            mask = torch.ones(len(part), start + len(part), dtype=torch.bool, device=x.device).tril(start)
            targets = list(ids[start + 1 : start + len(part) + 1])
            picked = torch.arange(len(targets) if scored else 1, device=x.device)
            if not len(picked):
                picked = torch.zeros(1, dtype=torch.long, device=x.device)
            logits = self.net.forward(x, picked, mask[None, None], positions, cache)
            if scored and targets:
                scores = scores[: start + 1] + _gather(logits, targets)
        self._prefix, self._prefix_ids = cache, list(ids)
        self._prefix_scores = scores

    # ------------------------------------------------------------------ the rows behind it
    def _score(self, jobs: list[Job], length: int) -> None:
        """One forward pass for these jobs.

        The last of the shared tokens is part of each row, which so predicts its first own token itself.
        """
        import torch

        with torch.inference_mode():
            past = max(0, length - 1)
            cache = None
            if past:
                self._prepare(jobs[0].options[0].ids[:length], any(job.first < length for job in jobs))
                cache = behind(self._prefix, past)
            device = self.net.device
            rows = [_lay_out(job, past) for job in jobs]
            x = rectangle([row.ids for row in rows], device)
            count, width = x.shape
            positions = rectangle([row.positions for row in rows], device)
            mask = torch.zeros(count, width, past + width, dtype=torch.bool, device=device)
            mask[:, :, :past] = True
            lower = torch.ones(width, width, dtype=torch.bool, device=device).tril()
            for at, row in enumerate(rows):
                mask[at, :, past:] = lower
                for begin, end in row.spans[1:]:
                    mask[at, begin:end, past + row.base : past + begin] = False
                # Padding looks at itself alone, else its softmax would be over nothing.
            picked = [at * width + place for at, row in enumerate(rows) for place in row.picked]
            targets = [target for row in rows for target in row.targets]
            if picked:
                index = torch.tensor(picked, device=device)
                logits = self.net.forward(x, index, mask[:, None], positions, cache)
                found = _gather(logits, targets)
            else:
                found = []
        place = 0
        for job, row in zip(jobs, rows, strict=True):
            mine = found[place : place + len(row.picked)]
            place += len(row.picked)
            job.scores = [
                _sum(option, self._prefix_scores, [mine[i] for i in chosen], length)
                for option, chosen in zip(job.options, row.owners, strict=True)
            ]


@dataclass
class _Line:
    """How one job lies in a row: its ids and positions, the options' spans, and which logits it needs."""

    ids: list[int]
    positions: list[int]
    base: int
    spans: list[tuple[int, int]]
    picked: list[int]
    targets: list[int]
    owners: list[list[int]]


def _lay_out(job: Job, past: int) -> _Line:
    base = job.shared - past
    first = job.options[0].ids
    line = _Line(first[past : past + base], list(range(past, past + base)), base, [], [], [], [])
    common_places: dict[int, int] = {}
    for option in job.options:
        own = option.ids[past + base :]
        begin = len(line.ids)
        line.ids += own
        line.positions += range(past + base, past + base + len(own))
        line.spans.append((begin, len(line.ids)))
        mine: list[int] = []
        for index in range(max(option.start, past + 1), len(option.ids)):
            target = option.ids[index]
            before = index - 1 - past
            if index < past + base:
                # A scored token in the common part: its logits serve every option.
                if index not in common_places:
                    common_places[index] = len(line.picked)
                    line.picked.append(before)
                    line.targets.append(target)
                mine.append(common_places[index])
                continue
            place = before if before < base else begin + (before - base)
            mine.append(len(line.picked))
            line.picked.append(place)
            line.targets.append(target)
        line.owners.append(mine)
    return line


def _width(job: Job, length: int) -> int:
    past = max(0, length - 1)
    base = job.shared - past
    return base + sum(len(option.ids) - past - base for option in job.options)


def _sum(
    option: Option, prefix: list[tuple[float, bool]], own: list[tuple[float, bool]], length: int
) -> OptionScore:
    before = prefix[option.start : max(length, option.start)] if option.start < length else []
    values = [*before, *own]
    return OptionScore(
        logprob=sum(value for value, _ in values),
        tokens=option.tokens,
        scored=len(values),
        greedy=all(best for _, best in values),
    )


def _gather(logits: Any, targets: Sequence[int]) -> list[tuple[float, bool]]:
    """The log-probability of each target in its row of logits, and whether it is the likeliest token."""
    import torch

    wanted = torch.tensor(targets, device=logits.device)[:, None]
    values = logits.gather(-1, wanted)[:, 0] - logits.logsumexp(-1)
    best = logits.argmax(-1) == wanted[:, 0]
    return list(zip(values.tolist(), best.tolist(), strict=True))


def common(rows: Sequence[list[int]]) -> int:
    """How many first tokens all rows share."""
    low, high = min(rows), max(rows)
    limit = min(len(low), len(high))
    if low[:limit] == high[:limit]:
        return limit
    return next(at for at in range(limit) if low[at] != high[at])


def clusters(jobs: Sequence[Job]) -> list[tuple[list[Job], int]]:
    """Jobs grouped by a common beginning that is worth a pass of its own, with its length (0 when alone).

    Sorted by ids, neighbours share the most. A group is ended where going on would cost it more than half of
    what it shares.
    """
    groups: list[tuple[list[Job], int]] = []
    for job in sorted(jobs, key=lambda job: job.options[0].ids):
        if groups:
            members, length = groups[-1]
            same = min(length, job.shared, common([members[0].options[0].ids, job.options[0].ids]))
            if same == length or (same >= LEAST_SHARED and same * 2 >= length):
                members.append(job)
                groups[-1] = (members, same)
                continue
        groups.append(([job], job.shared))
    worth = [(jobs, length) for jobs, length in groups if (len(jobs) - 1) * length >= WORTH]
    rest = [job for jobs, length in groups if (len(jobs) - 1) * length < WORTH for job in jobs]
    return [*worth, (rest, 0)] if rest else worth
