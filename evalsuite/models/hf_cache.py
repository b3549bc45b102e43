"""Key-value caches of our own: one slot per row, and one prefix shared by every row of a batch.

transformers' own caches pad all rows to one length; here each row keeps its own, so that a row which has
ended is replaced while its neighbours go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

Run = tuple[int, int, int]


def runs_of(lengths: Sequence[int], spare: int) -> list[Run]:
    """Neighbours whose lengths are alike, as (first, last + 1, longest).

    A row opens a new run where taking it in would fill up more than `spare` places: the price of one more
    call.
    """
    runs: list[Run] = []
    for at, length in enumerate(lengths):
        if runs:
            begin, end, width = runs[-1]
            filled = (length - width) * (end - begin) if length > width else width - length
            if filled <= spare:
                runs[-1] = (begin, at + 1, max(width, length))
                continue
        runs.append((at, at + 1, length))
    return runs


class Steps:
    """Where the next keys and values of each row belong; one object shared by all layers."""

    def __init__(self) -> None:
        self.rows: Any = None
        self.places: Any = None
        self.count = 0
        self.longest = 0
        self.runs: list[Run] = []
        self._copies: dict[Any, tuple[Any, Any]] = {}

    def set(self, rows: Any, places: Any, longest: int, runs: Sequence[Run] = ()) -> None:
        """Say for the coming forward pass: row i writes at places[i]; `longest` positions are read.

        `runs` cut the rows into neighbours of like length, each with the positions that it needs of them.
        """
        self.rows, self.places, self.runs = rows, places, list(runs)
        self.count, self.longest = len(places), longest
        self._copies = {}

    def on(self, device: Any) -> tuple[Any, Any]:
        """The two index tensors on a layer's device (layers may lie on several)."""
        if device == self.places.device:
            return self.rows, self.places
        if device not in self._copies:
            self._copies[device] = (self.rows.to(device), self.places.to(device))
        return self._copies[device]


@cache
def slot_layer_class() -> Any:
    """The layer class, made at first use because its base class comes with torch."""
    import torch
    from transformers.cache_utils import DynamicLayer

    class SlotLayer(DynamicLayer):  # type: ignore[misc]
        """Keys and values of all slots in one tensor that grows by doubling."""

        keys: Any
        values: Any
        is_initialized: bool

        def __init__(self, steps: Steps) -> None:
            super().__init__()
            self.steps = steps

        def store(self, first: int, keys: Any, values: Any, lengths: Sequence[int], start: int = 0) -> None:
            """Take over the keys and values of rows that were computed elsewhere, from a position on.

            One row of them for several slots is for each of these.
            """
            end = first + len(lengths)
            self._reserve(end, start + max(lengths), keys, values)
            for own, other in ((self.keys, keys), (self.values, values)):
                if len(other) == 1:
                    own[first:end, :, start : start + lengths[0]] = other[:, :, : lengths[0]]
                    continue
                for at, length in enumerate(lengths):
                    own[first + at, :, start : start + length] = other[at, :, :length]

        def put(self, slots: Any, keys: Any, values: Any, start: int = 0) -> None:
            """As `store`, into any slots that have the room, padding included: few calls, more to copy."""
            end = start + keys.shape[2]
            self.keys[slots, :, start:end] = keys
            self.values[slots, :, start:end] = values

        def move(self, source: Any, target: Any, length: int) -> None:
            """Copy slots over others."""
            self.keys[target, :, :length] = self.keys[source, :, :length]
            self.values[target, :, :length] = self.values[source, :, :length]

        def reserve(self, slots: int, length: int, keys: Any, values: Any) -> None:
            """Have room for exactly so much, or what is there already."""
            if not self.is_initialized:
                self._begin(keys, values)
            self._resize(max(slots, self.keys.shape[0]), max(length, self.keys.shape[2]))

        def _begin(self, keys: Any, values: Any) -> None:
            self.dtype, self.device = keys.dtype, keys.device
            self.is_initialized = True
            self.keys = keys.new_zeros((0, keys.shape[1], 0, keys.shape[3]))
            self.values = values.new_zeros((0, values.shape[1], 0, values.shape[3]))

        def _reserve(self, slots: int, length: int, keys: Any, values: Any) -> None:
            if not self.is_initialized:
                self._begin(keys, values)
            have_slots, have_length = self.keys.shape[0], self.keys.shape[2]
            if slots <= have_slots and length <= have_length:
                return
            slots = have_slots if slots <= have_slots else max(slots, 2 * have_slots)
            length = have_length if length <= have_length else max(length + 32, have_length * 3 // 2)
            self._resize(slots, length)

        def _resize(self, slots: int, length: int) -> None:
            have_slots, have_length = self.keys.shape[0], self.keys.shape[2]
            if (slots, length) == (have_slots, have_length):
                return
            for name in ("keys", "values"):
                old = getattr(self, name)
                new = torch.zeros(
                    (slots, old.shape[1], length, old.shape[3]), dtype=old.dtype, device=old.device
                )
                new[:have_slots, :, :have_length] = old
                setattr(self, name, new)

        def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
            """Write one token per row, return what the rows attend to."""
            steps = self.steps
            self._reserve(steps.count, steps.longest, key_states, value_states)
            rows, places = steps.on(key_states.device)
            self.keys[rows, :, places] = key_states[:, :, 0]
            self.values[rows, :, places] = value_states[:, :, 0]
            keys = self.keys[: steps.count, :, : steps.longest]
            # Read by our attention, which then leaves out what lies behind the end of a row.
            keys.runs = steps.runs
            return keys, self.values[: steps.count, :, : steps.longest]

        def get_seq_length(self) -> int:
            return self.steps.longest

    return SlotLayer


class Slots:
    """The cache of a decoding loop: rows 0..n-1 are alive, each with its own length."""

    def __init__(self, layers: int) -> None:
        from transformers.cache_utils import Cache

        self.steps = Steps()
        layer = slot_layer_class()
        self.cache = Cache(layers=[layer(self.steps) for _ in range(layers)])

    def store(self, first: int, prefilled: Any, lengths: Sequence[int], shared: int = 0) -> None:
        """Take over prompts from the cache that their forward pass filled; slots from `first` on.

        The `shared` positions before them, which are the same for all, come from the cache of `behind`.
        """
        for own, other in zip(self.cache.layers, prefilled.layers, strict=True):
            if shared:
                own.store(first, other.keys, other.values, [shared] * len(lengths))
                own.store(first, *other.own, lengths, shared)
            else:
                own.store(first, other.keys, other.values, lengths)

    def reserve(self, slots: int, length: int, like: Any) -> bool:
        """Have room for so many slots of this length; whether the memory is another one than before.

        `like` is a cache of the same model.
        """
        before = [layer.keys is not None and layer.keys.data_ptr() for layer in self.cache.layers]
        for own, other in zip(self.cache.layers, like.layers, strict=True):
            own.reserve(slots, length, other.keys, other.values)
        return before != [layer.keys.data_ptr() for layer in self.cache.layers]

    def put(self, slots: Any, prefilled: Any, shared: int = 0) -> None:
        """As `store`, for any slots (a tensor of their numbers) that were reserved; padding is copied too."""
        for own, other in zip(self.cache.layers, prefilled.layers, strict=True):
            index = slots.to(other.keys.device)
            own.put(index, other.keys, other.values)
            if shared:
                own.put(index, *other.own, shared)

    def move(self, source: Any, target: Any, length: int) -> None:
        """Copy slots over others: numbers, or tensors of numbers."""
        import torch

        with torch.inference_mode():
            for layer in self.cache.layers:
                layer.move(source, target, length)

    def clear(self) -> None:
        """Give all memory back."""
        for layer in self.cache.layers:
            layer.is_initialized = False
            layer.keys = layer.values = None


@cache
def prefix_layer_class() -> Any:
    """The layer class for scoring behind a shared prefix, made at first use."""
    import torch
    from transformers.cache_utils import DynamicLayer

    class PrefixLayer(DynamicLayer):  # type: ignore[misc]
        """One row of keys and values in front of each row of a batch, whose own are kept if asked for."""

        def __init__(self, keys: Any, values: Any, keep: bool) -> None:
            super().__init__()
            self.keep = keep
            self.own: Any = None
            self.keys, self.values = keys, values
            self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True

        def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
            """The prefix and the batch's own, joined; the prefix itself is not copied per row before this."""
            rows = key_states.shape[0]
            if self.keep:
                self.own = (key_states, value_states)
            return (
                torch.cat([self.keys.expand(rows, -1, -1, -1), key_states], dim=2),
                torch.cat([self.values.expand(rows, -1, -1, -1), value_states], dim=2),
            )

    return PrefixLayer


def behind(prefix: Any, length: int, keep: bool = False) -> Any:
    """A cache that puts the first `length` positions of `prefix` before every row."""
    from transformers.cache_utils import Cache

    layer = prefix_layer_class()
    return Cache(
        layers=[layer(one.keys[:, :, :length], one.values[:, :, :length], keep) for one in prefix.layers]
    )


def cropped(prefix: Any, length: int) -> Any:
    """A cache of the first `length` positions that can be extended, the original left as it is."""
    from transformers.cache_utils import DynamicCache

    copy = DynamicCache()
    for index, layer in enumerate(prefix.layers):
        copy.update(layer.keys[:, :, :length], layer.values[:, :, :length], index)
    return copy
