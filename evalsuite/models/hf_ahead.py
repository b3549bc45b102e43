"""The decoding loop for a GPU: steps are started before the tokens of earlier ones are read.

Where a likeliest token is all that is asked for, the device needs nobody to go on with it. So the host starts
the next steps, and while they run it looks at earlier tokens, writes answers and prepares prompts. A row that
turns out to have ended goes on for the few steps that are on their way; these tokens are dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.models.hf_decode import Decoder, Pending
from evalsuite.models.hf_net import Net, is_out_of_memory
from evalsuite.models.hf_rows import Row, choose
from evalsuite.models.hf_step import SLOT_SIZES, Stepper, rounded
from evalsuite.models.hf_transfer import Arriving, placed
from evalsuite.types import Answer

# Steps on their way: enough for the device to be busy while the host does something longer.
DEPTH = 3
# Prompts prepared in one go, beside a step.
AHEAD = 4
# Memory for slots comes in pieces of so many positions.
PIECE = 256


@dataclass(frozen=True)
class Flight:
    """Tokens on their way to the host, and which of them is whose."""

    tokens: Arriving
    rows: Sequence[tuple[int, Row]]


class AheadDecoder(Decoder):
    """Runs rows through the network until the stream ends; a row keeps its slot, others take free ones."""

    def __init__(self, net: Net, tokenizer: Any, batch_size: int | None) -> None:
        super().__init__(net, tokenizer, batch_size)
        self.stepper = Stepper(net)
        self.seats: dict[int, Row] = {}
        self.sent: dict[int, int] = {}  # slot: tokens of its row, those on their way included
        self.flights: deque[Flight] = deque()
        self.done: deque[Row] = deque()

    def _idle(self) -> bool:
        return not (self.seats or self.flights or self.done)

    def _settle(self) -> None:
        self._land(0)

    def _forget(self) -> None:
        super()._forget()
        self.seats, self.sent = {}, {}
        self.flights.clear()
        self.stepper.forget()

    # ------------------------------------------------------------------ new rows
    def _begin(self, pack: list[Row], shared: int) -> list[Row]:
        import torch

        with torch.inference_mode():
            logits, filled = self._prefill(pack, shared)
            self._reserve(pack, filled)
            free = (slot for slot in range(self.stepper.room) if slot not in self.seats)
            slots = [slot for slot, _ in zip(free, pack, strict=False)]
            self.stepper.slots.put(placed(slots, self.net.device), filled, shared)
            plain = all(row.plain for row in pack)
            tokens = logits.argmax(-1) if plain else placed(choose(logits, pack), self.net.device)
            self.stepper.seat(slots, tokens, [row.length for row in pack])
            flight = Flight(Arriving(tokens), list(enumerate(pack)))
        for slot, row in zip(slots, pack, strict=True):
            self.seats[slot] = row
            self.sent[slot] = len(row.tokens) + 1
        self._sent(flight)
        return []

    def _reserve(self, pack: list[Row], like: Any) -> None:
        """Room for these rows up to their last token; more than that where memory allows, for who comes."""
        rows = [*self.live, *pack]
        need = max(len(row.ids) + row.limit for row in rows)
        length, room = -(-need // PIECE) * PIECE, min(self.rows, rounded(len(rows), SLOT_SIZES))
        if room * length > self.budget:
            length, room = need, len(rows)
        self.stepper.reserve(max(room, len(rows)), length, like)

    # ------------------------------------------------------------------ steps
    def _advance(self, pending: Pending) -> Iterator[Answer]:
        try:
            if going := bool(self.seats):
                self._close_ranks(pending)
                self._start()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            yield from self._shrink(pending, [])
            return
        # Where all rows have just left their slots, new ones come first and the answers of the old later.
        going = going or pending.peek() is not None
        self._land(DEPTH if going else 0)
        yield from self._meanwhile(pending, going)

    def _meanwhile(self, pending: Pending, going: bool) -> Iterator[Answer]:
        """Write answers and prepare prompts for as long as the device has something to do.

        Many rows may end at once; their answers wait for such moments, but no more of them than there are
        slots.
        """
        least = 1 + max(0, len(self.done) - self.rows) if going else len(self.done)
        while self.done and (least > 0 or not self._hungry()):
            least -= 1
            yield self.done.popleft().answer(self.tokenizer)
        while not self._hungry() and pending.ahead(AHEAD):
            pass

    def _hungry(self) -> bool:
        """Whether the device will soon have nothing to do."""
        return not self.flights or self.flights[0].tokens.there

    def _start(self) -> None:
        """Start one step for all rows."""
        import torch

        plain = all(row.plain for row in self.seats.values())
        if not plain:
            # How these choose depends on what came before.
            self._land(0)
            if not self.seats:
                return
        count, width = max(self.seats) + 1, self._width()
        with torch.inference_mode():
            tokens = self.stepper.step(count, width)
            rows = list(self.seats.items())
            if not plain:
                slots = list(self.seats)
                index = placed(slots, self.net.device)
                chosen = choose(self.stepper.logits[index], list(self.seats.values()))
                tokens = placed(chosen, self.net.device)
                self.stepper.tokens[index] = tokens
                rows = list(enumerate(self.seats.values()))
            flight = Flight(Arriving(tokens), rows)
        for slot in self.seats:
            self.sent[slot] += 1
        self._sent(flight)

    def _width(self) -> int:
        """Positions that the longest row reads."""
        return max(len(row.ids) + self.sent[slot] for slot, row in self.seats.items())

    def _sent(self, flight: Flight) -> None:
        """Keep a flight; rows whose last possible token is in it leave their slots at once."""
        self.flights.append(flight)
        for slot in [slot for slot, row in self.seats.items() if self.sent[slot] >= row.limit]:
            self._leave(slot)
        self.live = list(self.seats.values())

    def _land(self, keep: int) -> None:
        """Read the tokens of all flights but the last few."""
        while len(self.flights) > keep:
            flight = self.flights.popleft()
            tokens = flight.tokens.read()
            ended = [row for at, row in flight.rows if row.finish == "unknown" and row.take(tokens[at])]
            if not ended:
                continue
            self.done += ended
            gone = {id(row) for row in ended}
            for slot in [slot for slot, row in self.seats.items() if id(row) in gone]:
                self._leave(slot)
            self.live = list(self.seats.values())

    def _leave(self, slot: int) -> None:
        del self.seats[slot], self.sent[slot]

    def _close_ranks(self, pending: Pending) -> None:
        """When nobody comes any more, let the last rows move together, so that steps get smaller."""
        count = rounded(len(self.seats), SLOT_SIZES)
        if rounded(max(self.seats) + 1, SLOT_SIZES) <= count or pending.peek() is not None:
            return
        high = sorted(slot for slot in self.seats if slot >= count)
        low = [slot for slot in range(count) if slot not in self.seats][: len(high)]
        self.stepper.move(high, low, self._width() - 1)
        for source, target in zip(high, low, strict=True):
            self.seats[target] = self.seats.pop(source)
            self.sent[target] = self.sent.pop(source)
