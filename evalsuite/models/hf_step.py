"""One decoding step for all slots, whose tokens and places stay on the device.

On one GPU a step is recorded as a CUDA graph and replayed: started one by one, the thousand small kernels of
a step cost many times what they take to run. A graph has fixed sizes, so few are recorded, and a larger one
serves until a smaller one has been wanted for long enough to pay.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from evalsuite.models.hf_cache import Slots
from evalsuite.models.hf_net import Net, is_out_of_memory
from evalsuite.models.hf_transfer import placed

SLOT_SIZES = (1, 4, 8, 16, 32, 64, 128, 192, 256)
LEAST_WIDTH = 256
# Steps in a larger graph that cost about as much as recording one that fits.
PATIENCE = 16

Size = tuple[int, int]


def rounded(value: int, sizes: Sequence[int]) -> int:
    """The next of these sizes, beyond the last a multiple of it."""
    last = sizes[-1]
    return next((size for size in sizes if value <= size), -(-value // last) * last)


def rounded_width(width: int) -> int:
    """The next power of two or one and a half of one: at most a third is read in vain."""
    size = LEAST_WIDTH
    while width > size:
        if width <= size * 3 // 2:
            return size * 3 // 2
        size *= 2
    return size


class Stepper:
    """The state of a decoding loop on the device, and the step that carries it on.

    `tokens` holds the newest token of each slot, `places` where its keys and values belong. A slot nobody
    sits in goes on like the others; what it writes is overwritten by who comes next.
    """

    def __init__(self, net: Net) -> None:
        self.net = net
        self.slots = Slots(net.layers)
        self.recording = _can_record(net)
        self._wanted: Counter[Size] = Counter()
        self._clear()

    def _clear(self) -> None:
        self.room = self.length = 0
        self.tokens: Any = None
        self.places: Any = None
        self.logits: Any = None
        self._every: Any = None
        self._columns: Any = None
        self._graphs: dict[Size, Any] = {}
        self._pool: Any = None

    # ------------------------------------------------------------------ slots
    def reserve(self, room: int, length: int, like: Any) -> None:
        """Have room for so many slots of this length; `like` is a cache of the same model."""
        import torch

        room, length = max(room, self.room), max(length, self.length)
        if self.slots.reserve(room, length, like):
            # Graphs know addresses.
            self._graphs, self._pool = {}, None
        device = self.net.device
        if room > self.room:
            for name in ("tokens", "places"):
                old, new = getattr(self, name), torch.zeros(room, dtype=torch.long, device=device)
                if old is not None:
                    new[: self.room] = old
                setattr(self, name, new)
            self._every = torch.arange(room, device=device)
            self.logits = None
        if length > self.length:
            self._columns = torch.arange(length, device=device)
        self.room, self.length = room, length

    def seat(self, slots: Sequence[int], tokens: Any, places: Sequence[int]) -> None:
        """Rows begin in these slots: their newest tokens (a tensor), and where these belong."""
        index = placed(slots, self.net.device)
        self.tokens[index] = tokens.to(self.net.device)
        self.places[index] = placed(places, self.net.device)

    def move(self, sources: Sequence[int], targets: Sequence[int], length: int) -> None:
        """Rows move to slots that are free."""
        import torch

        source, target = placed(sources, self.net.device), placed(targets, self.net.device)
        with torch.inference_mode():
            self.slots.move(source, target, length)
            self.tokens[target] = self.tokens[source]
            self.places[target] = self.places[source]

    def forget(self) -> None:
        """Give all memory back."""
        self.slots.clear()
        self._clear()

    # ------------------------------------------------------------------ a step
    def step(self, count: int, width: int) -> Any:
        """One more token for the first `count` slots, none of which reads more than `width` positions.

        Returns the tensor of the likeliest tokens, which are also taken as the newest; `logits` holds what
        they were chosen from. Both are overwritten by the next step.
        """
        size = self._size(count, width) if self.recording else None
        if size is None:
            self._compute(count, min(width, self.length))
        else:
            self._graphs[size].replay()
        return self.tokens[:count]

    def _compute(self, count: int, width: int) -> None:
        logits = self._look(count, width)
        if self.logits is None or self.logits.shape[0] < count:
            self.logits = logits.new_empty((self.room, logits.shape[1]))
        self.logits[:count].copy_(logits)
        self.tokens[:count].copy_(logits.argmax(-1))
        # A free slot stays within its memory.
        self.places[:count].add_(1).clamp_(max=self.length - 1)

    def _look(self, count: int, width: int) -> Any:
        every, places = self._every[:count], self.places[:count]
        self.slots.steps.set(every, places, width)
        mask = (self._columns[:width][None] <= places[:, None])[:, None, None]
        return self.net.forward(
            self.tokens[:count, None], every, mask, places[:, None], self.slots.cache, fixed=self.recording
        )

    # ------------------------------------------------------------------ graphs
    def _size(self, count: int, width: int) -> Size | None:
        """A recorded size that fits; None where a step cannot be recorded."""
        wanted = (min(rounded(count, SLOT_SIZES), self.room), min(rounded_width(width), self.length))
        if wanted in self._graphs:
            return wanted
        self._wanted[wanted] += 1
        larger = [size for size in self._graphs if size[0] >= wanted[0] and size[1] >= wanted[1]]
        if larger and self._wanted[wanted] < PATIENCE:
            return min(larger, key=lambda size: size[0] * size[1])
        if not self._record(wanted):
            self.recording = False
            self._graphs, self._pool = {}, None
            return None
        return wanted

    def _record(self, size: Size) -> bool:
        """Record one size; false where the model does on the host what a graph cannot hold."""
        import torch

        first = not self._graphs
        if first:
            # Buffers that libraries make at first use must not come to lie in a graph; nor may our own.
            expected = self._look(*size).clone()
            self.logits = expected.new_empty((self.room, expected.shape[1]))
            state = (self.tokens.clone(), self.places.clone())
        graph = torch.cuda.CUDAGraph()
        self._pool = self._pool or torch.cuda.graph_pool_handle()
        try:
            self._capture(graph, size)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            return False
        self._graphs[size] = graph
        if first:
            graph.replay()
            same = bool(torch.allclose(self.logits[: size[0]], expected, rtol=0.1, atol=0.1))
            self.tokens.copy_(state[0])
            self.places.copy_(state[1])
            return same
        return True

    def _capture(self, graph: Any, size: Size) -> None:
        """As torch.cuda.graph, which also collects garbage and empties the allocator each time."""
        import torch

        stream = torch.cuda.Stream(self.net.device)
        stream.wait_stream(torch.cuda.current_stream(self.net.device))
        with torch.cuda.stream(stream):
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            try:
                self._compute(*size)
            except BaseException:
                # The capture is broken; ending it says so again and hides why.
                with contextlib.suppress(RuntimeError):
                    graph.capture_end()
                raise
            graph.capture_end()
        torch.cuda.current_stream(self.net.device).wait_stream(stream)


def _can_record(net: Net) -> bool:
    """Whether the whole model lies on one GPU."""
    if net.device.type != "cuda":
        return False
    return {parameter.device for parameter in net.model.parameters()} == {net.device}
