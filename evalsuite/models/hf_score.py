"""Log-likelihoods with everything that texts have in common computed once.

A window of requests is sorted by token ids, so that requests with a common beginning (the few-shot block) are
neighbours; that beginning is one row of keys and values for all of them. Behind it, each request is one row:
its own beginning (the question) once, then every option, hidden from each other by the mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from evalsuite.models.hf_cache import behind
from evalsuite.models.hf_net import Net, free_bytes, is_out_of_memory
from evalsuite.models.hf_prefix import Beginning, clusters, common, gather, read_scores, worth
from evalsuite.models.hf_transfer import Arriving, placed, rectangle
from evalsuite.models.prompts import Option
from evalsuite.types import OptionScore

WINDOW = 256
ROW_TOKENS = {"cpu": 4096, "cuda": 32768}
LOGIT_BYTES = {"cpu": 256 << 20, "cuda": 8 << 30}


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
        self._beginning = Beginning(net)
        self._flight: Flight | None = None

    def run(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """Score a stream of jobs, a window at a time.

        A batch's numbers are read when the next batch has been started, so that a GPU does not wait for the
        host to lay rows out.
        """
        stream = iter(jobs)
        while window := list(islice(stream, WINDOW)):
            beginnings = [(job.options[0].ids, job.shared, job) for job in window]
            for cluster, length in clusters(beginnings, worth(self.net)):
                yield from self._cluster(cluster, length)
        yield from self._land(None)
        self._beginning.forget()

    def _land(self, following: Flight | None) -> Iterator[Job]:
        """Read what was started last; another one takes its place."""
        flight, self._flight = self._flight, following
        if flight is not None:
            flight.land()
            yield from flight.jobs

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
                flight = self._score(batch, max(length, batch[0].shared) if long else length)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._beginning.forget()
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
            yield from self._land(flight)

    # ------------------------------------------------------------------ the rows behind it
    def _score(self, jobs: list[Job], length: int) -> Flight:
        """Start one forward pass for these jobs.

        The last of the shared tokens is part of each row, which so predicts its first own token itself.
        """
        import torch

        with torch.inference_mode():
            past = max(0, length - 1)
            cache = None
            if past:
                scored = any(job.first < length for job in jobs)
                self._beginning.have(jobs[0].options[0].ids[:length], self.logit_rows if scored else 0)
                cache = behind(self._beginning.cache, past)
            device = self.net.device
            rows = [_lay_out(job, past) for job in jobs]
            x = rectangle([row.ids for row in rows], device)
            count, width = x.shape
            positions = rectangle([row.positions for row in rows], device)
            # A token sees the prefix, what all options share, and earlier tokens of its own option. Padding
            # is an option of its own, since a softmax over nothing is no number.
            owners = rectangle([row.members for row in rows], device, -1)
            mask = torch.ones(count, width, past + width, dtype=torch.bool, device=device)
            own = (owners[:, :, None] == owners[:, None, :]) | (owners[:, None, :] == 0)
            mask[:, :, past:] = own.tril()
            picked = [at * width + place for at, row in enumerate(rows) for place in row.picked]
            targets = [target for row in rows for target in row.targets]
            found = None
            if picked:
                logits = self.net.forward(x, placed(picked, device), mask[:, None], positions, cache)
                found = gather(logits, targets)
        return Flight(jobs, rows, found, self._beginning.scores, length)


@dataclass
class Flight:
    """Jobs whose numbers are on their way, and how to read them."""

    jobs: list[Job]
    rows: list[_Line]
    found: Arriving | None
    before: list[tuple[float, bool]]
    length: int

    def land(self) -> None:
        """Give each job its scores."""
        found = read_scores(self.found) if self.found else []
        place = 0
        for job, row in zip(self.jobs, self.rows, strict=True):
            mine = found[place : place + len(row.picked)]
            place += len(row.picked)
            job.scores = [
                _sum(option, self.before, [mine[i] for i in chosen], self.length)
                for option, chosen in zip(job.options, row.owners, strict=True)
            ]


@dataclass
class _Line:
    """How one job lies in a row: its ids and positions, whose each token is, and which logits it needs."""

    ids: list[int]
    positions: list[int]
    members: list[int]
    picked: list[int]
    targets: list[int]
    owners: list[list[int]]


def _lay_out(job: Job, past: int) -> _Line:
    base = job.shared - past
    first = job.options[0].ids
    line = _Line(first[past : past + base], list(range(past, past + base)), [0] * base, [], [], [])
    common_places: dict[int, int] = {}
    for number, option in enumerate(job.options, 1):
        own = option.ids[past + base :]
        begin = len(line.ids)
        line.ids += own
        line.positions += range(past + base, past + base + len(own))
        line.members += [number] * len(own)
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
