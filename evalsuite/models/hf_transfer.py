"""Values on their way between host and device, sent so that neither waits for the other.

torch waits for a copy out of ordinary memory, and with it for all work before it; out of and into page-locked
memory a copy takes its place among that work. On a CPU there is nothing to send.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def placed(values: Sequence[Any], device: Any) -> Any:
    """A tensor of these values on the device."""
    import torch

    made = torch.tensor(values)
    if device.type != "cuda":
        return made.to(device)
    return made.pin_memory().to(device, non_blocking=True)


def rectangle(rows: Sequence[Sequence[int]], device: Any, fill: int = 0) -> Any:
    """Rows of ids as one tensor, filled up on the right."""
    width = max(map(len, rows))
    return placed([[*row, *([fill] * (width - len(row)))] for row in rows], device)


class Arriving:
    """Values on their way to the host; the device goes on with what it is told next."""

    def __init__(self, values: Any) -> None:
        import torch

        self._sent: Any = None
        if values.device.type != "cuda":
            self._host = values.clone()
            return
        self._host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        self._host.copy_(values, non_blocking=True)
        self._sent = torch.cuda.Event()
        self._sent.record(torch.cuda.current_stream(values.device))

    @property
    def there(self) -> bool:
        """Whether reading them would not wait."""
        return self._sent is None or bool(self._sent.query())

    def read(self) -> list[Any]:
        """The values; waits until they are there."""
        if self._sent is not None:
            self._sent.synchronize()
        found: list[Any] = self._host.tolist()
        return found
