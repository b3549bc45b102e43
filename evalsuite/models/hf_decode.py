"""The decoding loop: rows come and go one by one, so the device never waits for the longest of a batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from evalsuite.models.hf_cache import Slots, behind, runs_of
from evalsuite.models.hf_net import Net, free_bytes, is_out_of_memory
from evalsuite.models.hf_prefix import LEAST_SHARED, Beginning, clusters, common, worth
from evalsuite.models.hf_rows import Row, choose
from evalsuite.models.hf_transfer import placed, rectangle
from evalsuite.models.prompts import failed
from evalsuite.types import Answer, Request

PREFILL_TOKENS = {"cpu": 4096, "cuda": 16384}
AUTO_ROWS = {"cpu": 128, "cuda": 256}
WINDOW = 4
# What one more call costs: bytes of keys and values that attention could have read.
CALL_BYTES = {"cpu": 64 << 10, "cuda": 32 << 20}
# A pass over new prompts waits until this part of the slots is free.
FREE_PART = {"cpu": 8, "cuda": 4}

Prepare = Callable[[list[Request]], list["Row | Answer"]]


class Pending:
    """Requests taken from the stream ahead of need: a bounded window, sorted within itself.

    Those that may write the most come first, so that they do not run alone at the end; among them, rows of
    like length follow each other. Directions alternate, so that the end of one window and the start of the
    next are alike as well; a window is served whole before the next is taken, so that no request waits for
    ever.
    """

    def __init__(self, requests: Iterable[Request], prepare: Prepare, size: int) -> None:
        self._stream = iter(requests)
        self._prepare = prepare
        self.size = size
        self._rows: deque[Row] = deque()
        self._next: list[Row] = []
        self._up = False
        self.refused: deque[Answer] = deque()

    def ahead(self, count: int) -> bool:
        """Prepare some of the next window while there is time for it; false when there is nothing to do."""
        return self._take(min(count, self.size - len(self._next)))

    def _take(self, count: int) -> bool:
        """Take some requests into the next window; false when there was none."""
        taken = list(islice(self._stream, max(0, count)))
        for made in self._prepare(taken) if taken else []:
            if isinstance(made, Row):
                self._next.append(made)
            else:
                self.refused.append(made)
        return bool(taken)

    def _fill(self) -> None:
        # What was prepared ahead will do if it fills the slots once: while more is taken, the device waits.
        enough = len(self._next) >= max(1, self.size // WINDOW)
        more = enough or self._take(self.size - len(self._next))
        rows, self._next = self._next, []
        sign = 1 if self._up else -1
        rows.sort(key=lambda row: (-row.limit.bit_length(), sign * len(row.ids)))
        self._up = not self._up
        self._rows.extend(rows)
        self._more = more or bool(rows)

    def peek(self) -> Row | None:
        """The row that comes next, or None when the stream has ended."""
        while not self._rows:
            self._fill()
            if not self._more:
                return None
        return self._rows[0]

    def pop(self) -> Row:
        """Take the row that `peek` showed."""
        return self._rows.popleft()

    def give_back(self, rows: Iterable[Row]) -> None:
        """Put rows back in front; what they have so far is kept."""
        self._rows.extendleft(reversed(list(rows)))


class Decoder:
    """Runs rows through the network until the stream ends, each in a slot of its own."""

    def __init__(self, net: Net, tokenizer: Any, batch_size: int | None) -> None:
        self.net = net
        self.tokenizer = tokenizer
        kind = net.device.type
        self.prefill_tokens = PREFILL_TOKENS.get(kind, 4096)
        self.budget = max(1, int(free_bytes(net.device) * 0.8) // max(1, net.token_bytes()))
        self.call_tokens = net.call_tokens()
        self.spare = CALL_BYTES.get(kind, 64 << 10) * net.layers // max(1, net.token_bytes())
        self.rows = batch_size or AUTO_ROWS.get(kind, 32)
        self.live: list[Row] = []
        self.slots = Slots(net.layers)
        self.beginning = Beginning(net)
        self.halvings = 0

    def run(self, requests: Iterable[Request], prepare: Prepare) -> Iterator[Answer]:
        """Answer a stream; at most `rows` requests decode at a time."""
        pending = Pending(requests, prepare, self.rows * WINDOW)
        try:
            while True:
                pending.size = self.rows * WINDOW
                yield from self._refill(pending)
                while pending.refused:
                    yield pending.refused.popleft()
                if self._idle():
                    if pending.peek() is None:
                        while pending.refused:
                            yield pending.refused.popleft()
                        return
                    continue
                yield from self._advance(pending)
        finally:
            self._forget()

    def _idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self.live

    def _settle(self) -> None:
        """Wait for what is on its way."""

    def _forget(self) -> None:
        self.live = []
        self.slots.clear()
        self.beginning.forget()

    # ------------------------------------------------------------------ new rows
    def _refill(self, pending: Pending) -> Iterator[Answer]:
        part = FREE_PART.get(self.net.device.type, 8)
        if len(self.live) > self.rows - max(1, self.rows // part):
            # A pass over new prompts is dear: it waits until a few slots are free.
            return
        packs = deque(self._packs(self._admit(pending)))
        while packs:
            pack, shared = packs[0]
            try:
                ended = self._begin(pack, shared)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                yield from self._shrink(pending, [row for rest, _ in packs for row in rest])
                return
            packs.popleft()
            yield from self._answers(ended)

    def _admit(self, pending: Pending) -> list[Row]:
        """The rows for which there is a slot, and memory up to their last token."""
        group: list[Row] = []
        longest = max((row.length + row.limit - len(row.tokens) for row in self.live), default=0)
        while len(self.live) + len(group) < self.rows:
            row = pending.peek()
            if row is None:
                break
            longest = max(longest, len(row.ids) + row.limit)
            count = len(self.live) + len(group)
            if count and longest * (count + 1) > self.budget:
                break
            group.append(pending.pop())
        return group

    def _packs(self, group: list[Row]) -> Iterator[tuple[list[Row], int]]:
        """Rows to be computed in one pass each: of one beginning (with its length) and of like length."""
        for rows, shared in self._clusters(group):
            rows.sort(key=lambda row: row.length, reverse=True)
            for begin, end, _ in runs_of([row.length for row in rows], self.call_tokens):
                while begin < end:
                    longest = rows[begin].length
                    # Keys and values of the beginning are laid out before each row.
                    size = max(
                        1, min(self.prefill_tokens // (longest - shared), 8 * self.prefill_tokens // longest)
                    )
                    yield rows[begin : min(begin + size, end)], shared
                    begin += size

    def _clusters(self, group: list[Row]) -> list[tuple[list[Row], int]]:
        """Rows by the beginning that they share, among them those that share the one computed last."""
        found = clusters(((row.fed, row.length - 1, row) for row in group), worth(self.net))
        if not found or found[-1][1] or self.beginning.cache is None:
            return found
        same = {id(row): min(row.length - 1, common([self.beginning.ids, row.fed])) for row in found[-1][0]}
        again = [row for row in found[-1][0] if same[id(row)] >= LEAST_SHARED]
        rest = [row for row in found[-1][0] if same[id(row)] < LEAST_SHARED]
        # First those behind what is there already: the next beginning takes its place.
        kept = [(again, min(same[id(row)] for row in again))] if again else []
        return [*kept, *found[:-1], *([(rest, 0)] if rest else [])]

    def _begin(self, pack: list[Row], shared: int) -> list[Row]:
        """Compute prompts and their first tokens; returns rows that end with them."""
        import torch

        with torch.inference_mode():
            logits, filled = self._prefill(pack, shared)
            self.slots.store(len(self.live), filled, [row.length - shared for row in pack], shared)
            tokens = choose(logits, pack)
        self.live.extend(pack)
        return self._take(tokens, pack, len(self.live) - len(pack))

    def _prefill(self, pack: list[Row], shared: int) -> tuple[Any, Any]:
        """The logits behind the rows' last tokens, and the cache with what stands before those."""
        import torch
        from transformers.cache_utils import DynamicCache

        ids = [row.fed[shared:] for row in pack]
        x = rectangle(ids, self.net.device)
        width = x.shape[1]
        last = placed([at * width + len(one) - 1 for at, one in enumerate(ids)], x.device)
        mask = positions = None
        filled: Any = DynamicCache()
        if shared:
            self.beginning.have(pack[0].fed[:shared])
            filled = behind(self.beginning.cache, shared, keep=True)
            positions = torch.arange(shared, shared + width, device=x.device).expand(len(pack), -1)
            mask = torch.ones(width, shared + width, dtype=torch.bool, device=x.device).tril(shared)
            mask = mask[None, None].expand(len(pack), -1, -1, -1)
        return self.net.forward(x, last, mask, positions, filled), filled

    # ------------------------------------------------------------------ one step
    def _advance(self, pending: Pending) -> Iterator[Answer]:
        try:
            tokens = self._step()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            yield from self._shrink(pending, [])
            return
        yield from self._answers(self._take(tokens, self.live, 0))

    def _step(self) -> list[int]:
        import torch

        rows = self.live
        with torch.inference_mode():
            device = self.net.device
            places = torch.tensor([row.length - 1 for row in rows], device=device)
            longest = max(row.length for row in rows)
            every = torch.arange(len(rows), device=device)
            runs = runs_of([row.length for row in rows], self.spare)
            self.slots.steps.set(every, places, longest, runs)
            mask = (torch.arange(longest, device=device)[None] <= places[:, None])[:, None, None]
            fed = torch.tensor([[row.tokens[-1]] for row in rows], device=device)
            logits = self.net.forward(fed, every, mask, places[:, None], self.slots.cache)
            return choose(logits, rows)

    def _take(self, tokens: list[int], rows: list[Row], first: int) -> list[Row]:
        """Give each row its token; ended rows leave, and the last live row moves into the gap."""
        ended = [
            first + at for at, (row, token) in enumerate(zip(rows, tokens, strict=True)) if row.take(token)
        ]
        done = []
        for place in reversed(ended):
            done.append(self.live[place])
            last = self.live.pop()
            if place < len(self.live):
                # A moved row's newest token is not in the cache yet, so one position fewer is copied.
                self.slots.move(len(self.live), place, last.length - 1)
                self.live[place] = last
        return done[::-1]

    def _answers(self, rows: Sequence[Row]) -> Iterator[Answer]:
        for row in rows:
            yield row.answer(self.tokenizer)

    # ------------------------------------------------------------------ memory
    def _shrink(self, pending: Pending, group: list[Row]) -> Iterator[Answer]:
        """Halve what runs at once; rows put back keep their tokens and are computed again behind them."""
        count = len(self.live) + len(group)
        self._settle()
        every = self.live + group
        self.halvings += 1
        self._forget()
        _empty_cache()
        if count == 1 and every:
            yield failed(
                every[0].request,
                "out_of_memory",
                f"not enough memory for one request of {every[0].length} tokens",
                prompt_tokens=len(every[0].ids),
            )
            return
        self.rows = max(1, count // 2)
        self.prefill_tokens = max(256, self.prefill_tokens // 2)
        pending.give_back(every)


def _empty_cache() -> None:
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
