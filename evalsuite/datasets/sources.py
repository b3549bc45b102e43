"""Which benchmark files are known, and the folder that those from the network are kept in."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

Source = Mapping[str, Any]


def data_cache() -> Path:
    """The folder that fetched benchmark files are kept in."""
    named = os.environ.get("EVALSUITE_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "evalsuite") / "data"


@lru_cache(maxsize=1)
def sources() -> tuple[Source, ...]:
    """Every known file: name, benchmark, licence, sha256 of its content, where to fetch it."""
    from evalsuite.config.find import shipped_data

    return tuple(json.loads((shipped_data() / "sources.json").read_text("utf-8"))["files"])


def sources_of(name: str) -> Sequence[Source]:
    """The known file of that relative name, or those below it."""
    return [each for each in sources() if f"{each['file']}/".startswith(f"{name}/")]
