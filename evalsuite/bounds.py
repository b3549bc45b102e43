"""Numbers with a limit, as types: what a config may say is checked against them and told in their words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class AtLeast:
    """The limit itself is the least that is allowed."""

    least: float

    def allows(self, value: float) -> bool:
        """Whether a number keeps to the limit."""
        return value >= self.least

    def __str__(self) -> str:
        return f"from {self.least:g}"


@dataclass(frozen=True)
class Above:
    """All numbers greater than the limit are allowed; infinity is none that anything could be counted to."""

    limit: float

    def allows(self, value: float) -> bool:
        """Whether a number keeps to the limit."""
        return self.limit < value < math.inf

    def __str__(self) -> str:
        return f"above {self.limit:g}"


Limit = AtLeast | Above
Positive = Annotated[int, AtLeast(1)]
NotNegative = Annotated[int, AtLeast(0)]
Seconds = Annotated[float, Above(0)]
